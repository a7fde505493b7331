export { jsonLogger, type LogLevel } from './logger.js'
export { loadSecrets } from './secrets.js'
export { type ServeOptions, type Serving, serve } from './serve.js'
export { loadStaticSite, type StaticSite } from './static-site.js'
