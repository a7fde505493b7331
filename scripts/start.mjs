// `npm start`: installs and builds what is missing, then runs the reference server in development mode with the example web app.
import './node-version.mjs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bootstrap, ROOT } from './bootstrap.mjs'
import { buildOrExit } from './build.mjs'

await bootstrap()
await buildOrExit()

const bin = join(ROOT, 'packages/server-node/dist/bin.js')
const data = process.env.SECURECHAT_DATA ? resolve(process.env.SECURECHAT_DATA) : join(ROOT, 'data')
process.env.SECURECHAT_DATA = data
process.env.PORT ||= '8787'

// npm killed outright passes nothing on; without it this server would stay behind, unseen.
if (process.env.npm_lifecycle_event === 'start') {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM')
  }, 1_000).unref()
}

// In this process, not in a child: signals, exit code and standard streams are the server's own, and nothing can be left behind.
process.argv = [process.execPath, bin, '--dev', '--static', join(ROOT, 'examples/web/dist'), '--data', data]
await import(pathToFileURL(bin).href)
