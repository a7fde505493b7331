#!/usr/bin/env node
import { runTerminal } from './terminal.js'

void runTerminal(process.argv.slice(2), { input: process.stdin, output: process.stdout }).then((code) => {
  process.exitCode = code
})
