// One person as a process: `person.ts NAME FOLDER PORT`. Commands come as lines on standard input, what happens goes as lines to standard output.
import { createInterface } from 'node:readline'
import { Participant } from './participant.js'

const [name = '', folder = '', port = ''] = process.argv.slice(2)
const tell = (line: string): void => void process.stdout.write(`${line}\n`)

const participant = await Participant.open({ name, folder, port: Number(port), tell })
tell(`ready: ${name}`)
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'quit') break
  // Not waited for: the participant has a queue of its own.
  void participant.run(line.split(' '))
}
await participant.close()
process.exit(0)
