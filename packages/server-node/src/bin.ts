#!/usr/bin/env node
import { runMain } from 'citty'
import { command } from './command.js'

void runMain(command)
