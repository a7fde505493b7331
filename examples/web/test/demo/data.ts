import type { Contact, Conversation, ConversationSnapshot, Message } from '@securechat/client'

export const OWN_ID = 'demo-own-account' as Contact['accountId']
export const asConversationId = (id: string) => id as Conversation['id']
export const asMessageId = (id: string) => id as Message['id']

export interface DemoChat {
  snapshot: Omit<ConversationSnapshot, 'lastMessage'>
  messages: Message[]
  /** Never answers, for the loading state. */
  stuck?: boolean
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export function contact(id: string, name: string, changes: Partial<Contact> = {}): Contact {
  return {
    accountId: id as Contact['accountId'],
    displayName: name,
    profile: { name },
    relation: 'accepted',
    identityChanged: false,
    verified: false,
    ...changes,
  }
}

type Line = readonly [who: 'me' | 'peer', minutesAgo: number, text: string, changes?: Partial<Message>]

function chat(peer: Contact, lines: readonly Line[], changes: Partial<ConversationSnapshot> = {}): DemoChat {
  const now = Date.now()
  const id = asConversationId(`chat-${peer.accountId}`)
  const messages = lines.map(
    ([who, minutesAgo, text, more], i): Message => ({
      id: asMessageId(`${peer.accountId}-${i}`),
      conversationId: id,
      sender: who === 'me' ? OWN_ID : peer.accountId,
      mine: who === 'me',
      kind: 'text',
      text,
      sentAt: now - minutesAgo * MINUTE,
      order: i + 1,
      ...(who === 'me' && { status: 'read' as const }),
      edited: false,
      reactions: [],
      ...more,
    }),
  )
  const updatedAt = messages.at(-1)?.sentAt ?? now - 9 * DAY
  return { snapshot: { id, peer, unread: 0, updatedAt, draft: '', muted: false, pinned: false, archived: false, typing: false, ...changes }, messages }
}

const bySam = (emoji: string) => ({ accountId: 'sam' as Contact['accountId'], emoji })
const byMe = (emoji: string) => ({ accountId: OWN_ID, emoji })

const DAYS = 24 * 60
const SMALL_TALK = [
  'Did you see the forecast?',
  'Rain until Thursday, they say.',
  'Then we take the train.',
  'Good idea, I book two seats.',
  'Window for me, please',
  'Always.',
  'And the small cups!',
]

/** A conversation with everything in it. */
function sam(avatar: Uint8Array | undefined): DemoChat {
  const old = Array.from({ length: 120 }, (_, i): Line => [i % 3 === 1 ? 'me' : 'peer', 9 * DAYS - i * 14, SMALL_TALK[i % SMALL_TALK.length]!])
  return chat(
    contact('sam', 'Sam Rivera', { phone: '+14155550142', verified: true, profile: { name: 'Sam Rivera', ...(avatar && { avatar }) } }),
    [
      ...old,
      ['peer', 1 * DAYS + 95, 'Morning! I walked past the little bakery on Linden Street'],
      ['peer', 1 * DAYS + 95, 'They have the almond ones again'],
      ['me', 1 * DAYS + 90, 'No way. Keep me two?', { reactions: [bySam('😂')] }],
      ['peer', 1 * DAYS + 88, 'Kept. They may not survive the tram.', { reactions: [byMe('🙏')] }],
      ['peer', 62, 'Are we still on for Saturday? The trail map says the upper loop is open: https://trails.example.org/upper-loop?season=autumn'],
      ['me', 58, 'Yes! Train at 8:12, platform 4. I have the tickets, you bring the coffee.', { edited: true, reactions: [bySam('👍')] }],
      ['peer', 55, 'Deal', { replyTo: asMessageId('sam-125') }],
      ['peer', 55, '☕️🥐'],
      ['me', 12, 'One thing, the weather turned. Bring the warm jacket, the ridge is windy even when the valley looks like summer.', { status: 'delivered' }],
      ['me', 11, 'And gloves', { status: 'sent' }],
    ],
    { pinned: true },
  )
}

/** The chats of the demo account. */
export function demoChats(avatars: readonly Uint8Array[]): DemoChat[] {
  return [
    sam(avatars[0]),
    chat(
      contact('mina', 'Mina Okafor', { phone: '+2348035550101', profile: { name: 'Mina Okafor', ...(avatars[1] && { avatar: avatars[1] }) } }),
      [
        ['me', 200, 'How did the talk go?'],
        ['peer', 30, 'Full room! Two people even asked about the protocol.'],
        ['peer', 29, 'One of them wants to help with the docs'],
        ['peer', 4, 'Call you tonight?'],
      ],
      { unread: 3, typing: true },
    ),
    chat(contact('jonas', 'Jonas Weber', { phone: '+4915155550123', identityChanged: true }), [
      ['peer', 3 * DAYS, 'Der neue Laptop ist da 🎉'],
      ['me', 3 * DAYS - 4, 'Endlich! Dann bis Freitag.'],
      ['peer', 40, '', { kind: 'identity-changed' }],
      ['peer', 26, '', { kind: 'undecryptable' }],
      ['peer', 25, 'I am back, on the new machine'],
      ['me', 6, 'Great, one moment, I check your number', { status: 'queued' }],
    ]),
    chat(contact('eleni', 'Ελένη Παπαδάκη', { phone: '+306955550188' }), [
      ['peer', (5 * HOUR) / MINUTE, 'Το τρένο φεύγει στις εννέα.'],
      ['me', 290, 'Τέλεια, θα είμαι εκεί!', { status: 'delivered' }],
    ]),
    chat(contact('noor', 'نور الهدى', { phone: '+201005550177' }), [['peer', 420, 'صباح الخير! هل وصلت الصور؟']], { draft: 'Yes, all of them. I will' }),
    chat(contact('lena', 'Lena Fischer', { phone: '+436645550111' }), [
      ['peer', 1 * DAYS + 300, 'Can you send me the address?'],
      ['me', 1 * DAYS + 299, 'Lindenstraße 12, second floor. The bell says “Okonkwo & Fischer”.', { status: 'failed' }],
      ['me', 1 * DAYS + 298, '', { kind: 'deleted' }],
      ['peer', 1 * DAYS + 290, '', { kind: 'unsupported' }],
    ]),
    chat(contact('climb', 'Priya Raman'), [['peer', 2 * DAYS, 'Wall at six? New routes on the left side.']], { muted: true, unread: 12 }),
    chat(contact('tom', 'Tomás Herrera', { relation: 'blocked' }), [['peer', 6 * DAYS, 'Buy now, only today!!!']]),
    chat(
      contact('eve', '+1 202 555 0117', { phone: '+12025550117', relation: 'request' }),
      [['peer', 75, 'Hi! This is Ruth from the choir, Lena gave me your number. Is this you?']],
      { unread: 1 },
    ),
    chat(contact('ada', 'Ada Nwosu'), []),
    chat(contact('old', 'Book club 2024 · Hanna'), [['peer', 90 * DAYS, 'Thanks everybody, that was fun']], { archived: true }),
  ]
}
