// Loader hooks: 'vitest' in a test file means `tests.mjs`, and a version of a test file has its own version of what only tests import, so that
// whatever is computed there is computed anew too.
const SHIM = new URL('tests.mjs', import.meta.url).href
const OF_TESTS = /\/packages\/([^/]+\/test|integration\/src)\//

export async function resolve(specifier, context, next) {
  if (specifier === 'vitest' && context.parentURL !== SHIM) return { url: SHIM, shortCircuit: true }
  const found = await next(specifier, context)
  const version = context.parentURL?.match(/[?&](version=\d+)/)?.[1]
  if (version === undefined || !OF_TESTS.test(found.url) || found.url.includes(version)) return found
  return { ...found, url: `${found.url}${found.url.includes('?') ? '&' : '?'}${version}` }
}
