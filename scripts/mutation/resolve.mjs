// Loader hook: 'vitest' in a test file means `tests.mjs`.
const SHIM = new URL('tests.mjs', import.meta.url).href

export const resolve = (specifier, context, next) =>
  specifier === 'vitest' && context.parentURL !== SHIM ? { url: SHIM, shortCircuit: true } : next(specifier, context)
