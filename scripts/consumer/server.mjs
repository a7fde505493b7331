// The reference server as installed from its tarball: starts, answers, ends when asked, and opens its data again.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

async function startAndStop() {
  const server = spawn('node_modules/.bin/securechat-server', ['--dev', '--port', '0', '--data', 'server-data'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(server, 'exit')
  const giveUp = setTimeout(() => server.kill('SIGKILL'), 30_000)
  let url
  for await (const line of createInterface({ input: server.stdout })) {
    url = /https?:\/\/localhost:\d+/.exec(line)?.[0]
    if (url) break
  }
  if (!url) throw new Error('the server ended without naming its address')
  server.stdout.resume()
  for (const path of ['/livez', '/readyz', '/openapi.json']) {
    const { status } = await fetch(url + path)
    if (status !== 200) throw new Error(`${path}: ${status}`)
  }
  server.kill('SIGTERM')
  const [code, signal] = await exited
  clearTimeout(giveUp)
  if (code !== 0) throw new Error(`the server ended with ${code ?? signal}`)
}

await startAndStop()
await startAndStop()
process.stdout.write('started and stopped twice\n')
