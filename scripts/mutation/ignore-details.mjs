import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin'

/** Functions that only throw: their last text is the error's detail. */
const REFUSALS = new Set(['fail', 'invalid', 'refuse', 'notAuthentic', 'invalidKey', 'malformed', 'notAllowed', 'requireLength'])

const isDetail = ({ parent }) => parent?.type === 'ObjectProperty' && parent.key.name === 'detail'
const isArgumentOfRefusal = ({ node, parent }) =>
  parent?.type === 'CallExpression' && parent.callee.type === 'Identifier' && REFUSALS.has(parent.callee.name) && parent.arguments.at(-1) === node

const isOnlyDetail = ({ node }) => node.type === 'ObjectExpression' && node.properties.length === 1 && node.properties[0].key?.name === 'detail'

/** Words for people in an error are not behaviour; its code is, and codes are mutated. */
export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'error-details', {
    shouldIgnore: (path) =>
      (path.node.type === 'StringLiteral' && (isDetail(path) || isArgumentOfRefusal(path))) || isOnlyDetail(path) ? 'the detail of an error' : undefined,
  }),
]
