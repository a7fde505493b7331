import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin'

/** Functions that only throw: their last text is the error's detail. */
const REFUSALS = new Set(['fail', 'invalid', 'refuse', 'notAuthentic', 'invalidKey', 'malformed', 'notAllowed', 'requireLength'])
/** A reader's last text is the detail of the errors that it throws. */
const READERS = new Set(['ByteReader'])
const FOR_PEOPLE = new Set(['detail', 'cause'])

const isText = ({ type }) => type === 'StringLiteral' || type === 'TemplateLiteral'
const isDetail = ({ parent }) => parent?.type === 'ObjectProperty' && parent.key.name === 'detail'
const isLastOf = ({ node, parent }, kind, names) => parent?.type === kind && names.has(parent.callee.name) && parent.arguments.at(-1) === node
const isOnlyForPeople = ({ node }) =>
  node.type === 'ObjectExpression' && node.properties.length > 0 && node.properties.every(({ key }) => FOR_PEOPLE.has(key?.name))

const isWriterCapacity = ({ node, parent }) => parent?.type === 'NewExpression' && parent.callee.name === 'ByteWriter' && parent.arguments[0] === node

/** Words for people in an error are not behaviour; its code is, and codes are mutated. */
const ofAnError = (path) =>
  isOnlyForPeople(path) || (isText(path.node) && (isDetail(path) || isLastOf(path, 'CallExpression', REFUSALS) || isLastOf(path, 'NewExpression', READERS)))

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'no-behaviour', {
    shouldIgnore(path) {
      if (ofAnError(path)) return 'the detail of an error'
      // packages/crypto/test/scenario/encoding.test.ts: what is written does not depend on the room there was at first.
      if (isWriterCapacity(path)) return 'first capacity of a buffer that grows'
      return undefined
    },
  }),
]
