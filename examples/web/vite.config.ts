import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defaultClientConditions, defineConfig } from 'vite'

export default defineConfig({
  plugins: [react(), tailwindcss()],
  // The packages' own export condition: their TypeScript sources are bundled, so that a fresh clone needs no build of them first. An app
  // that installs the packages from a registry needs neither this nor any other setting.
  resolve: { conditions: ['@securechat/source', ...defaultClientConditions] },
  build: {
    target: 'es2022',
    // The reference server's content security policy is strict: every asset is a file of its own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
})
