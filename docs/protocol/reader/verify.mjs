// Reads every file of ../vectors with an implementation that was written from the documents alone. Exit code 1 where one does not fit.
//   node verify.mjs [folder with vectors]
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const folder = process.argv[2] ? resolve(process.argv[2]) : join(import.meta.dirname, '../vectors')
let passed = 0
let failed = 0

for (const file of readdirSync(folder).sort()) {
  const name = file.replace(/\.json$/, '')
  try {
    // A vector file that nobody here can read fails too: document, vectors and reader grow together.
    const { checks } = await import(`./checks/${name}.mjs`)
    for (const [what, check] of checks(JSON.parse(readFileSync(join(folder, file), 'utf8')))) {
      await check()
      passed++
      console.log(`ok      ${name}: ${what}`)
    }
  } catch (error) {
    failed++
    console.log(`FAILED  ${name}: ${error.message}`)
  }
}
console.log(`${passed} checks passed, ${failed} files failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
