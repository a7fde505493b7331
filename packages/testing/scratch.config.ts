import { defineConfig } from 'vitest/config'
const conditions = ['@securechat/source', 'module', 'node', 'development|production']
export default defineConfig({ resolve: { conditions }, ssr: { resolve: { conditions } }, test: { include: ['packages/testing/*.test.ts'] } })
