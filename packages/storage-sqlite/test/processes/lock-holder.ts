import { openDatabase } from '../../src/driver/index.js'

/** Holds the write lock of a database until it is killed. */
const driver = openDatabase(process.argv[2]!)
driver.exec('BEGIN IMMEDIATE')
process.stdout.write('locked\n')
// Uses the driver: a connection that nothing refers to any more is closed by the garbage collector, and its lock is gone.
setInterval(() => driver.prepare('SELECT 1').get(), 1_000)
