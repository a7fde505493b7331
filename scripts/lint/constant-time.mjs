// Secrets, tags, commitments and MACs are compared in constant time, by one function. Bytes of any other kind are compared by `equalPublicBytes`,
// so that every comparison of bytes says which of the two it is.
import ts from 'typescript'

/** The functions themselves. `equalSecretBytes`, `equalPublicBytes`; Node's own one behind the provider. */
const HOMES = [/packages\/protocol\/src\/equality\.ts$/, /packages\/crypto\/src\/primitives\/node\.ts$/]

const BYTES = new Set(['Uint8Array', 'Uint8ClampedArray', 'Int8Array', 'Buffer', 'ArrayBuffer', 'SharedArrayBuffer', 'DataView'])
const KEYS = 'secret|private|profile|chain|message|root|backup|storage|code|confirm|token|record|body|attachment|franking|seal'
const SECRET_NAME = new RegExp(`(^| )((?<!session )tag|mac|fk|commitment|secret|seed|entropy|passphrase|password|pepper|pin|(${KEYS}) key)$`)

const words = (name) =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase()

/** `a!`, `(a as T)`, `a.subarray(…)`, `a?.b` → what it is about. */
function core(node) {
  if (node.type === 'TSNonNullExpression' || node.type === 'TSAsExpression' || node.type === 'ChainExpression') return core(node.expression)
  if (node.type === 'CallExpression' && node.callee.type === 'MemberExpression' && ['subarray', 'slice'].includes(node.callee.property.name))
    return core(node.callee.object)
  return node
}

function nameOf(node) {
  const inner = core(node)
  if (inner.type === 'Identifier') return inner.name
  if (inner.type === 'MemberExpression') return inner.computed ? nameOf(inner.object) : inner.property.name
  return ''
}

const isNothing = (node) =>
  (node.type === 'Literal' && node.value === null) ||
  (node.type === 'MemberExpression' && node.property.name === 'prototype') ||
  (node.type === 'Identifier' && node.name === 'undefined') ||
  node.type === 'UnaryExpression'

/** @type {import('eslint').Rule.RuleModule} */
export default {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      reference: 'Compares objects, not their bytes: equalSecretBytes (or provider.equal) for secrets, equalPublicBytes for the rest.',
      element: 'A comparison of bytes of its own: equalSecretBytes (or provider.equal) for secrets, equalPublicBytes for the rest.',
      library: '{{name}} compares bytes: equalSecretBytes (or provider.equal) for secrets, equalPublicBytes for the rest.',
      secret: '{{name}} is secret, or proves something: compare it in constant time, with equalSecretBytes or provider.equal.',
    },
  },
  create(context) {
    if (HOMES.some((home) => home.test(context.filename.replaceAll('\\', '/')))) return {}
    const services = context.sourceCode.parserServices
    const checker = services.program.getTypeChecker()
    const typeOf = (node) => checker.getNonNullableType(services.getTypeAtLocation(node))
    const parts = (type) => (type.isUnionOrIntersection() ? type.types : [type])
    const isBytes = (node) => {
      const type = typeOf(node)
      if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.Never)) return false
      const kinds = parts(type).flatMap(parts)
      return kinds.some((kind) => BYTES.has(kind.symbol?.name ?? ''))
    }
    const isText = (node) => (typeOf(node).flags & ts.TypeFlags.StringLike) !== 0 && node.type !== 'Literal' && node.type !== 'TemplateLiteral'
    /** A `Secret`, what one exposes, or something that is called like a secret. */
    const isSecret = (node) => {
      const type = typeOf(core(node))
      if (parts(type).some((kind) => kind.symbol?.name === 'Secret')) return true
      if (type.getProperties?.().some(({ name }) => name.startsWith('__@exposed'))) return true
      return SECRET_NAME.test(words(nameOf(node)))
    }
    const isByte = (node) => {
      const inner = core(node)
      return inner.type === 'MemberExpression' && inner.computed && isBytes(inner.object)
    }
    const report = (node, messageId, subject) => context.report({ node, messageId, data: { name: context.sourceCode.getText(subject ?? node) } })
    /** A secret in what makes a text of bytes: `hex(tag)`, `tag.toString('hex')`, `String(tag)`. */
    const textOfSecret = (node) => {
      const inner = core(node)
      if (isText(inner) && isSecret(inner)) return inner
      if (inner.type !== 'CallExpression' || !isText(inner)) return undefined
      const subjects = [...inner.arguments, ...(inner.callee.type === 'MemberExpression' ? [inner.callee.object] : [])].filter(
        ({ type }) => type !== 'SpreadElement',
      )
      return subjects.find((subject) => (isBytes(subject) || typeOf(subject).symbol?.name === 'Secret') && isSecret(subject))
    }
    /** The parameter of a callback of an array method of bytes. */
    const isByteParameter = (node) => {
      const inner = core(node)
      if (inner.type !== 'Identifier') return false
      for (let at = node.parent; at; at = at.parent) {
        if (at.type !== 'ArrowFunctionExpression' && at.type !== 'FunctionExpression') continue
        if (!at.params.some((parameter) => parameter.type === 'Identifier' && parameter.name === inner.name)) continue
        const { parent } = at
        return parent?.type === 'CallExpression' && parent.callee.type === 'MemberExpression' && isBytes(parent.callee.object)
      }
      return false
    }
    const comparesBytes = ({ left, right }) => (isByte(left) && (isByte(right) || isByteParameter(right))) || (isByteParameter(left) && isByte(right))

    return {
      'BinaryExpression[operator=/^[!=]==?$/]'(node) {
        const { left, right } = node
        if (isNothing(left) || isNothing(right)) return
        if (comparesBytes(node)) return report(node, 'element')
        if ([left, right].some((side) => isBytes(side) || typeOf(side).symbol?.name === 'Secret')) return report(node, 'reference')
        if (left.type === 'Literal' || right.type === 'Literal') return
        const subject = textOfSecret(left) ?? textOfSecret(right)
        if (subject) report(node, 'secret', subject)
      },
      // `difference |= a[i] ^ b[i]`, however right it is: there is one such function.
      'AssignmentExpression[operator="|="] BinaryExpression[operator="^"]'(node) {
        if (isByte(node.left) && isByte(node.right)) report(node, 'element')
      },
      CallExpression(node) {
        const { callee, arguments: inputs } = node
        const name = callee.type === 'MemberExpression' && !callee.computed ? callee.property.name : callee.name
        if (['timingSafeEqual', 'isDeepStrictEqual'].includes(name) && inputs.some((input) => input.type !== 'SpreadElement' && isBytes(input)))
          return report(node, 'library', callee)
        if (
          callee.type === 'MemberExpression' &&
          ['compare', 'equals'].includes(name) &&
          [callee.object, ...inputs].some((one) => one.type !== 'SpreadElement' && isBytes(one))
        )
          return report(node, 'library', callee)
        if (name !== 'equalPublicBytes') return
        const subject = inputs.find((input) => isSecret(input))
        if (subject) report(node, 'secret', subject)
      },
    }
  },
}
