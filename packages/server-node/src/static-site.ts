import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join, relative, resolve, sep } from 'node:path'
import { SecureChatError } from '@securechat/protocol'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.map': 'application/json',
}

/** libsodium is WebAssembly, hence 'wasm-unsafe-eval'; blob: and data: images are decrypted avatars. Nothing else is loosened. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(self), microphone=(self), geolocation=()',
}

interface StaticFile {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly type: string
  readonly etag: string
  readonly cacheControl: string
}

export interface StaticSite {
  /** undefined: not a request for the site (another method, or a path that belongs to no file and no page). */
  respond(request: Request): Response | undefined
}

/**
 * A built web app, read into memory at the start: no path of a request ever reaches the file system. Pages that are no files
 * get index.html (client-side routes). Throws `client/invalid-argument` when the folder has no index.html.
 */
export async function loadStaticSite(folder: string): Promise<StaticSite> {
  const root = resolve(folder)
  const files = new Map<string, StaticFile>()
  for (const entry of await readdir(root, { recursive: true }).catch(() => [])) {
    const path = join(root, entry)
    if (!(await stat(path)).isFile()) continue
    const bytes = new Uint8Array(await readFile(path))
    const name = `/${relative(root, path).split(sep).join('/')}`
    // Vite puts a hash of the content into the names under /assets/.
    const cacheControl = name.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
    files.set(name, {
      bytes,
      cacheControl,
      type: TYPES[extname(name)] ?? 'application/octet-stream',
      etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    })
  }
  const index = files.get('/index.html')
  if (!index) throw new SecureChatError('client/invalid-argument', { detail: '--static needs a folder with an index.html' })

  const find = (path: string): StaticFile | undefined => files.get(path) ?? (extname(path) === '' ? index : undefined)
  return {
    respond(request) {
      if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
      const file = find(new URL(request.url).pathname)
      if (!file) return undefined
      const headers = { ...SECURITY_HEADERS, 'content-type': file.type, 'cache-control': file.cacheControl, etag: file.etag }
      if (request.headers.get('if-none-match') === file.etag) return new Response(null, { status: 304, headers })
      return new Response(request.method === 'HEAD' ? null : file.bytes, { headers: { ...headers, 'content-length': String(file.bytes.length) } })
    },
  }
}
