#!/usr/bin/env node
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`securechat-server: Node 20.19 or newer is needed; this is ${process.versions.node}\n`)
  process.exitCode = 1
} else {
  // Loaded only now: an old Node would fail on the rest before it could say why.
  void import('./command.js').then(({ main }) => main())
}
