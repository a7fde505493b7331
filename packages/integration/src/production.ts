import { spawn } from 'node:child_process'
import { LineProcess, SERVER_BIN } from './processes.js'

export interface ProductionProcess extends LineProcess {
  readonly url: string
}

/**
 * Starts the reference server on loopback as operators do: without `--dev`, and with none of this process's variables but what `env` names. It listens on
 * a port that the system chooses.
 */
export async function startProduction({
  bin = SERVER_BIN,
  env,
}: {
  readonly bin?: string
  readonly env: Readonly<Record<string, string>>
}): Promise<ProductionProcess> {
  const child = spawn(process.execPath, [bin, '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'], env })
  const server = new LineProcess(child)
  try {
    const port = await server.waitFor((line) => /"port":(\d+),"msg":"listening"/.exec(line)?.[1], { what: 'the port' })
    return Object.assign(server, { url: `http://127.0.0.1:${port}` })
  } catch (error) {
    await server.kill()
    throw error
  }
}
