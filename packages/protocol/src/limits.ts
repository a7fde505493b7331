/** Caps of the wire format and of the protocol. Each has its unit in its name or its comment, and a reason. */
export const LIMITS = {
  /** Bytes of one frame or HTTP body; a send to 20 devices of 64 KiB envelopes fits. */
  frameBytes: 2 * 1024 * 1024,
  /** Bytes of the input of an operation that needs no login and holds no keys: a token of 2 KiB, a proof, and room for later fields. */
  smallInputBytes: 8 * 1024,
  /** Bytes of the input of a registration: a manifest, 202 prekeys of 1.4 KiB, and room for later fields. */
  registrationBytes: 512 * 1024,
  /** Bytes of an envelope or body that count as one message in the budget of a sender; each further piece of that size counts again. */
  sendUnitBytes: 4 * 1024,
  /** Latest time in milliseconds: the end of ECMAScript's dates (ECMA-262 section 21.4.1.1). A later one cannot be shown, and throws where somebody tries. */
  latestTime: 8_640_000_000_000_000,
  /** Bytes of one end-to-end envelope; larger contents travel as attachments. */
  envelopeBytes: 128 * 1024,
  /** Bytes of one shared body: fits a frame beside other rows; whatever is larger travels as an attachment. */
  sharedBodyBytes: 512 * 1024,
  /** Bytes of an abuse report: the largest body with its commitment, tag and names, and room for later fields. */
  reportBytes: 513 * 1024,
  /** Chunks of one attachment (16 GiB at 1 MiB): bounds the list of chunk hashes that both sides hold, 512 KiB each. */
  attachmentChunks: 16_384,
  /** Binary logarithm of an attachment's chunk bytes, at least and at most: a reader holds a few whole chunks. */
  attachmentChunkBitsMin: 8,
  attachmentChunkBitsMax: 22,
  /** Bytes of the thumbnail inside an attachment's descriptor. */
  thumbnailBytes: 32 * 1024,
  /** Characters of a media type, as RFC 6838 has it: 127 a part. */
  mediaTypeCharacters: 255,
  /** Bytes of a message's text in UTF-8. */
  messageTextBytes: 32 * 1024,
  /** Nesting of a msgpack value: deeper values are attacks, not data. */
  codecDepth: 16,
  /** Elements of all containers of one msgpack value together. */
  codecElements: 65_536,
  /** Devices in one manifest. Not a lifetime cap: revoked devices leave the list. */
  devicesPerAccount: 32,
  /** Recipient devices of one send. */
  recipientsPerSend: 2_048,
  /** Rows of one delivery frame or one page. */
  deliveryBatch: 256,
  /** Bytes of one delivery frame's rows before it is closed, so that one frame never nears `frameBytes`. */
  deliveryBatchBytes: 512 * 1024,
  /** Rows delivered but not yet acknowledged, per socket: bounds memory for slow readers. */
  deliveryWindow: 1_024,
  /** Rows waiting in one mailbox. */
  mailboxRows: 100_000,
  /** Days after which an undelivered row expires. */
  mailboxDays: 30,
  /** One-time pairs in one upload. */
  preKeysPerUpload: 200,
  /** One-time pairs kept on the server per device. */
  oneTimePreKeys: 100,
  /** Below this the client uploads more. */
  oneTimePreKeysLow: 25,
  /** Bytes of an encrypted profile (name, avatar thumbnail). */
  profileBytes: 64 * 1024,
  /** Bytes of a signed manifest with its signatures. */
  manifestBytes: 16 * 1024,
  /** Days a manifest may be valid. */
  manifestDays: 30,
  /** Days after its end from which a list that nobody has renewed is told: a primary device that was off for long is no reason to warn. */
  manifestWarningDays: 15,
  /** Characters of free text fields such as a client's name. */
  labelCharacters: 128,
  /** Ratchet: message keys derived for one jump (docs/protocol/04-ratchet.md). */
  ratchetJump: 1_000,
  /** Ratchet: skipped keys stored for one session in all. */
  skippedKeys: 2_000,
  /** Ratchet: days after which a skipped key is erased. */
  skippedKeyDays: 14,
  /** Ratchet: receive chains kept. */
  receiveChains: 5,
  /** Post-quantum ratchet: bytes of a chunk. With its 18 bytes of frame it fits into what a short text leaves free of its second bucket. */
  pqChunkBytes: 176,
  /** Post-quantum ratchet: own messages after which the key sender of the next epoch begins … */
  pqGapMessages: 20,
  /** … and hours after which it does so anyway. */
  pqGapHours: 24,
  /** Post-quantum ratchet: messages of one sending chain that carry a chunk: every chunk twice. More teach nothing until the peer answers. */
  pqChunksPerChain: 14,
  /** Post-quantum ratchet: days without an epoch until it counts as stalled … */
  pqStallDays: 14,
  /** … and chunks that could have gone both ways meanwhile: twice what an epoch needs in the worst order without loss. */
  pqStallChunks: 70,
  /** Milliseconds between two retry requests of a pair of devices, on either side: each costs a handshake. */
  retryIntervalMs: 3_600_000,
  /** Envelopes that one retry request names: 2 KiB of hashes. */
  retryEnvelopes: 64,
  /** Messages sent again for one request: what a conversation brings in an hour, and an end to what a peer can ask for. */
  retryMessages: 256,
  /** Days for which a sent message is held, to be sent again. */
  retryDays: 14,
  /** Days after which a retry request is not answered any more: no row of a mailbox is older. */
  retryRequestDays: 30,
  /** Hours that a retry request may be ahead of our clock; further, it would lock out the ones after it. */
  retryAheadHours: 24,
  /** Sessions kept per device pair. */
  sessionsPerPair: 5,
  /** Days until an unacknowledged session expires. */
  unacknowledgedSessionDays: 30,
  /** Bytes of one backup segment's records before padding: bounds the memory of a restore, and with padding it fits one body of `frameBytes`. */
  backupSegmentBytes: 1024 * 1024,
  /** Segments that one backup manifest lists: 16 GiB, and a manifest of at most 1.1 MB. */
  backupSegments: 16_384,
  /** Bytes of a sealed segment or backup manifest: the largest of either with its padding (1.03 MiB) and head, and still well within one frame. */
  archiveContainerBytes: 1_152 * 1024,
  /** Segments that the server keeps of one account: two backups of the largest kind, since the old one stays until a new one is complete, and its history transfers. */
  archiveSegments: 40_000,
  /** Bytes of them: 2 GiB, which is some five million messages twice over; text and profiles, no files. */
  archiveBytes: 2 * 1024 * 1024 * 1024,
  /** Segments of one page of a list, and of one call that deletes. */
  archivePage: 1_000,
  /** Hours that a history transfer lies on the server: a night and a day in which one of the two devices is off. */
  historyHours: 24,
  /** History transfers of one account at a time: more devices are not linked within a day. */
  historyTransfers: 8,
  /** Bytes of the name of a backed-up record. */
  backupNameBytes: 256,
  /** Backups that a backup says it continues; older ones are forgotten. */
  backupAncestors: 64,
  /** Blinded numbers in one discovery request: about a third of a second of one server core. */
  discoveryBatch: 64,
  /** Entries below which a discovery bucket is refused: who asks for a bucket hides among as many users. */
  discoveryBucketEntries: 1_000,
  /** Entries above which a bucket is refused, since a wrong prefix length would be a download of everybody: 2.6 MB. */
  discoveryBucketMaximum: 65_536,
  /** Bits of a bucket's prefix: 65,536 buckets are enough for 65 million users. */
  discoveryPrefixBits: 16,
  /** Seconds that a linking code may be scanned. */
  linkSeconds: 120,
  /** Seconds that the two devices of a link find each other at the server: two waits for a person, and the way between. */
  linkMeetingSeconds: 600,
  /** Bytes of a linking answer: its payload, padded, and the keys around it. */
  linkAnswerBytes: 80 * 1024,
  /** Bytes of what a primary device tells a new one in a linking answer (the account's manifests). */
  linkPayloadBytes: 64 * 1024,
  /** Bytes of what an old primary device hands to the new one: a manifest, a key of 32 bytes, padded, and what is around them. */
  linkHandoverBytes: 20 * 1024,
  /** Days after which the primary device takes an idle device off the list: it has lost messages since the 30th (`mailboxDays`), and a long holiday is shorter. */
  idleDeviceDays: 45,
  /** Registration lock: wrong PINs of one account in `registrationLockHours`. Of 10,000 PINs a guesser then finds one in 500 days, … */
  registrationLockTries: 10,
  registrationLockHours: 24,
  /** … which he does not have: days without any device of the account after which the lock does not hold any more. Else the next owner of a number could never sign in. */
  registrationLockIdleDays: 7,
  /** Characters of the PIN, at least and at most. */
  pinCharactersMin: 4,
  pinCharactersMax: 64,
  /** Sender keys: messages of one chain; bounds the jump of a receiver and what a stolen chain key opens. */
  senderKeyMessages: 500,
  /** Sender keys: days of one chain, for the same reason. */
  senderKeyDays: 7,
  /** Sender keys: chains kept of one device in one group, so that late messages of replaced chains can be read. */
  senderKeyChains: 3,
  /** Messages of one group kept until the operations that they presuppose have come. */
  parkedGroupMessages: 200,
  /** … of them of one device, so that a single member cannot take the room of all. */
  parkedOfDevice: 50,
  /** Members of one group, invited ones included. */
  groupMembers: 1_000,
  /** Bytes of an encrypted group title. */
  groupTitleBytes: 1_024,
  /** Past states of a group whose hashes are remembered: late messages name them, and forks are seen in them. */
  groupHistory: 256,
  /** Sibling operations of a group that are kept as evidence. */
  groupEvidence: 16,
  /** Digits and tries of a one-time code. */
  codeDigits: 6,
  codeTries: 5,
  codeMinutes: 10,
  /** Seconds an access token lives. */
  accessTokenSeconds: 600,
  /** Days a refresh token lives unused. */
  refreshTokenDays: 90,
  /** Seconds the clock of a proof may differ from the server's. */
  proofSkewSeconds: 60,
  /** Seconds without any frame after which a heartbeat is sent; the peer is given as long again to answer. */
  heartbeatSeconds: 25,
  /** Seconds a socket may stay open without a hello. */
  helloSeconds: 10,
} as const
