import { existsSync } from 'node:fs'

/** Debian's strace; undefined where it is not installed. */
export const stracePath = (): string | undefined => (existsSync('/usr/bin/strace') ? '/usr/bin/strace' : undefined)

/** `strace` arguments that record the calls by which a frame comes in, reaches the disk and is answered. */
export const traceArguments = (path: string, output: string): string[] => [
  path,
  '--follow-forks',
  '--quiet=attach,personality,thread-execve',
  '--string-limit=96',
  '--strings-in-hex=all',
  // The tracer is the grandchild, so that signals and exit codes are the server's own.
  '--daemonize=grandchild',
  '--trace=read,recvfrom,recvmsg,readv,write,writev,sendto,sendmsg,pwrite64,pwritev,fsync,fdatasync',
  '--decode-fds=path,socket',
  `--output=${output}`,
]

export interface TracedCall {
  readonly kind: 'receive' | 'answer' | 'log-write' | 'sync'
  readonly line: number
}

// A server's frames are not masked: fin+binary, 14 bytes, then frame version 1 and kind 0x21 (sent); in one buffer or in two.
const SENT = /\\x82\\x0e(?:", iov_len=2\}, \{iov_base=")?\\x01\\x21/
// "-wal" at the end of a path, which the tracer writes in hex like every string.
const LOG = String.raw`\d+<[^>]*\\x2d\\x77\\x61\\x6c>`
const LOG_WRITE = new RegExp(String.raw`^(pwrite64|pwritev|write)\(${LOG}`)
const LOG_SYNC = new RegExp(String.raw`^(fsync|fdatasync)\(${LOG}`)

/**
 * Reads a trace. receive: at least `leastBytes` came from a socket in one call. log-write: bytes for SQLite's write-ahead
 * log. sync: that log was synced. answer: a `sent` frame was written. A call that was suspended counts where it ended, an
 * answer where it began, so that an overlap is never taken for an order.
 */
export function readTrace(text: string, leastBytes: number): TracedCall[] {
  const calls: TracedCall[] = []
  const unfinished = new Map<string, string>()
  for (const [index, whole] of text.split('\n').entries()) {
    const match = /^(\d+)\s+(.*)$/.exec(whole)
    if (!match) continue
    const [, pid = '', rest = ''] = match
    let call = rest
    if (/^(write|writev|sendto|sendmsg)\(/.test(rest) && SENT.test(rest)) calls.push({ kind: 'answer', line: index })
    if (rest.endsWith('<unfinished ...>')) {
      unfinished.set(pid, rest)
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)
    if (resumed) {
      call = `${unfinished.get(pid) ?? ''}${resumed[1]}`
      unfinished.delete(pid)
    }
    const result = Number(/=\s+(-?\d+)\s*(?:\S.*)?$/.exec(call)?.[1] ?? Number.NaN)
    if (/^(read|recvfrom|recvmsg|readv)\(\d+<(?:TCP|TCPv6|socket)/.test(call) && result >= leastBytes) calls.push({ kind: 'receive', line: index })
    else if (LOG_WRITE.test(call) && result > 0) calls.push({ kind: 'log-write', line: index })
    else if (LOG_SYNC.test(call) && result === 0) calls.push({ kind: 'sync', line: index })
  }
  return calls
}
