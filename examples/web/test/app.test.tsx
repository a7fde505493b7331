// @vitest-environment happy-dom
import { SecureChatError } from '@securechat/client'
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { Children, createElement, type ReactNode, StrictMode } from 'react'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { App } from '../src/app.js'
import { demoChats, OWN_ID } from './demo/data.js'
import { demoClient } from './demo/demo-client.js'

// Nothing has a height here, so a virtual list would be empty; the real one is looked at in the browser tests.
vi.mock('virtua', () => ({
  Virtualizer: ({ children, as, item }: { children: ReactNode; as: string; item: string }) =>
    createElement(
      as,
      null,
      Children.map(children, (child) => createElement(item, null, child)),
    ),
}))

const ACCOUNT = { status: 'signed-in', accountId: OWN_ID, phone: '+14155550100', profile: { name: 'Alex Kim' } } as const
const STORE = { name: 'test', locks: async () => [] }
const ONLINE = { status: 'online', synced: true } as const

beforeEach(() => {
  history.replaceState(null, '', '#/')
  vi.stubGlobal('createImageBitmap', () => Promise.reject(new Error('no pictures here')))
})
afterEach(cleanup)

function show(options: Partial<Parameters<typeof demoClient>[0]> = {}) {
  const client = demoClient({ account: ACCOUNT, connection: ONLINE, chats: demoChats([]), ...options })
  render(
    <StrictMode>
      <App store={{ ...STORE, open: async () => client }} />
    </StrictMode>,
  )
  return client
}
const openChat = async (id: string): Promise<HTMLTextAreaElement> => {
  history.replaceState(null, '', `#/chats/chat-${id}`)
  show()
  return (await screen.findByTestId('composer')) as HTMLTextAreaElement
}

const toCode = async (): Promise<HTMLElement> => {
  show({ account: { status: 'signed-out' } })
  fireEvent.change(await screen.findByTestId('phone-input'), { target: { value: '+14155550142' } })
  fireEvent.click(screen.getByTestId('request-code'))
  return screen.findByTestId('code-input')
}

describe('start', () => {
  test('a store that cannot be opened says why and can be tried again', async () => {
    let tries = 0
    const client = demoClient({ account: ACCOUNT, connection: ONLINE, chats: [] })
    const open = async () => {
      tries += 1
      if (tries === 1) throw new SecureChatError('storage/unavailable')
      return client
    }
    render(<App store={{ ...STORE, open }} />)
    expect(await screen.findByText(/does not let this page store data/)).toBeTruthy()
    fireEvent.click(screen.getByText('Try again'))
    expect(await screen.findByText('Start your first chat')).toBeTruthy()
  })

  test.each([
    ['waits for the other tab', { connection: { status: 'waiting-for-tab', synced: false } }, 'SecureChat is open in another tab'],
    ['was signed out elsewhere', { account: { status: 'revoked' } }, 'Signed out on this device'],
    ['has no name yet', { account: { status: 'signed-in', accountId: OWN_ID } }, 'What should others call you?'],
    ['is signed out', { account: { status: 'signed-out' } }, 'What is your number?'],
  ] as const)('%s', async (_, options, title) => {
    show(options)
    expect(await screen.findByText(title)).toBeTruthy()
  })

  test('offline with a way to try at once, and update required', async () => {
    const client = show({ connection: { status: 'offline', synced: false, retryAt: Date.now() + 30_000 } })
    const retry = vi.spyOn(client.connection, 'retryNow')
    fireEvent.click(await screen.findByTestId('retry-now'))
    expect(retry).toHaveBeenCalledTimes(1)
    expect(screen.getByTestId('connection-banner').textContent).toMatch(/You are offline.*Trying again in ([12]?\d|30) second/)
    cleanup()
    show({ connection: { status: 'update-required', synced: false } })
    expect((await screen.findByTestId('connection-banner')).textContent).toContain('A new version is needed')
  })
})

describe('login', () => {
  test('a number that is none yet is not sent', async () => {
    show({ account: { status: 'signed-out' } })
    fireEvent.change(await screen.findByTestId('phone-input'), { target: { value: '+1415' } })
    fireEvent.click(screen.getByTestId('request-code'))
    expect(screen.getByRole('alert').textContent).toContain('whole phone number')
    expect(screen.queryByTestId('code-input')).toBeNull()
  })

  test('a pasted code with spaces is confirmed by itself and leads to the name', async () => {
    fireEvent.change(await toCode(), { target: { value: '123 456' } })
    fireEvent.change(await screen.findByTestId('name-input'), { target: { value: ' Alex ' } })
    fireEvent.click(screen.getByTestId('save-profile'))
    fireEvent.click(await screen.findByTestId('settings'))
    expect(screen.getByTestId('own-name').textContent).toBe('Alex')
  })

  test.each([
    ['000000', 'not the code that was sent', true],
    ['111111', 'has expired', false],
    ['222222', 'Too many wrong codes', false],
  ])('%s: says what is wrong, and whether another try makes sense', async (code, text, again) => {
    fireEvent.change(await toCode(), { target: { value: code } })
    expect((await screen.findByRole('alert')).textContent).toContain(text)
    expect(screen.queryByTestId('confirm-code') !== null).toBe(again)
  })

  test('keys are replaced only after it was understood', async () => {
    fireEvent.change(await toCode(), { target: { value: '333333' } })
    const button = (await screen.findByTestId('replace-keys')) as HTMLButtonElement
    expect(button.disabled).toBe(true)
    fireEvent.click(screen.getByTestId('replace-understood'))
    fireEvent.click(button)
    expect(await screen.findByTestId('name-input')).toBeTruthy()
  })
})

describe('a number with a PIN', () => {
  const toPin = async (): Promise<HTMLElement> => {
    fireEvent.change(await toCode(), { target: { value: '555555' } })
    return screen.findByTestId('pin-input')
  }

  test.each([
    ['1357', '6 tries are left'],
    ['0000', 'Try again in 19 hours'],
  ])('%s: says how often it may be tried', async (pin, text) => {
    fireEvent.change(await toPin(), { target: { value: pin } })
    expect(screen.queryByRole('alert')).toBeNull()
    fireEvent.click(screen.getByTestId('confirm-pin'))
    expect((await screen.findByRole('alert')).textContent).toContain(text)
  })

  test('is opened by the PIN, and by the words of whoever has forgotten it', async () => {
    await toPin()
    fireEvent.click(screen.getByTestId('have-words'))
    expect(await screen.findByTestId('restore-words')).toBeTruthy()
    fireEvent.click(screen.getByText('Back'))
    fireEvent.change(await screen.findByTestId('pin-input'), { target: { value: '2468' } })
    fireEvent.click(screen.getByTestId('confirm-pin'))
    expect(await screen.findByTestId('name-input')).toBeTruthy()
  })

  test('gets it in the settings, typed twice, and loses it there', async () => {
    history.replaceState(null, '', '#/settings')
    const client = show()
    const open = async (): Promise<void> => {
      fireEvent.click(await screen.findByTestId('open-pin'))
      await screen.findByTestId('pin-new')
    }
    await open()
    expect(screen.queryByTestId('pin-since')).toBeNull()
    fireEvent.change(screen.getByTestId('pin-new'), { target: { value: '246' } })
    fireEvent.click(screen.getByTestId('save-pin'))
    expect((await screen.findByRole('alert')).textContent).toContain('4 to 64 characters')
    fireEvent.change(screen.getByTestId('pin-new'), { target: { value: '2468' } })
    fireEvent.click(screen.getByTestId('save-pin'))
    expect((await screen.findByRole('alert')).textContent).toContain('not the same')
    fireEvent.change(screen.getByTestId('pin-again'), { target: { value: '2468' } })
    fireEvent.click(screen.getByTestId('save-pin'))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    await open()
    fireEvent.click(await screen.findByTestId('remove-pin'))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(await client.account.registrationLock()).toBeUndefined()
  })
})

describe('the composer', () => {
  const typed = (field: HTMLTextAreaElement, value: string) => fireEvent.change(field, { target: { value } })

  test('Enter sends once and clears; Shift+Enter, an empty text and an input method do not send', async () => {
    const field = await openChat('ada')
    typed(field, 'hello')
    fireEvent.keyDown(field, { key: 'Enter', shiftKey: true })
    fireEvent.keyDown(field, { key: 'Enter', isComposing: true })
    fireEvent.keyDown(field, { key: 'Enter', keyCode: 229 })
    expect(field.value).toBe('hello')
    fireEvent.keyDown(field, { key: 'Enter' })
    expect(field.value).toBe('')
    fireEvent.keyDown(field, { key: 'Enter' })
    await waitFor(() => expect(screen.getAllByTestId('chat-row').filter(({ textContent }) => textContent?.includes('hello'))).toHaveLength(1))
  })

  test('a draft comes back and is saved when the chat is left', async () => {
    const field = await openChat('noor')
    expect(field.value).toBe('Yes, all of them. I will')
    typed(field, 'Something else')
    fireEvent.click(screen.getByText('Ada Nwosu'))
    await waitFor(() => expect(screen.getByText('Something else')).toBeTruthy())
  })

  test('what could not be stored comes back into the field', async () => {
    history.replaceState(null, '', '#/chats/chat-ada')
    const client = demoClient({ account: ACCOUNT, connection: ONLINE, chats: demoChats([]) })
    const { get } = client.conversations
    client.conversations.get = async (id) => {
      const conversation = await get(id)
      return conversation && { ...conversation, send: () => Promise.reject(new SecureChatError('storage/full')) }
    }
    render(<App store={{ ...STORE, open: async () => client }} />)
    const field = (await screen.findByTestId('composer')) as HTMLTextAreaElement
    typed(field, 'precious')
    fireEvent.keyDown(field, { key: 'Enter' })
    expect(await screen.findByText(/no room left/)).toBeTruthy()
    expect(field.value).toBe('precious')
  })

  test('a text beyond the limit is not sent', async () => {
    const field = await openChat('ada')
    typed(field, 'ä'.repeat(17_000))
    expect(screen.getByText(/too long/)).toBeTruthy()
    expect((screen.getByTestId('send') as HTMLButtonElement).disabled).toBe(true)
  })
})

describe('relations', () => {
  test('a stranger is accepted before anything can be written', async () => {
    history.replaceState(null, '', '#/requests/chat-eve')
    show()
    fireEvent.click(await screen.findByTestId('accept-request'))
    expect(await screen.findByTestId('composer')).toBeTruthy()
    expect(location.hash).toBe('#/chats/chat-eve')
  })

  test('a stranger’s message is not read by looking at it', async () => {
    history.replaceState(null, '', '#/requests/chat-eve')
    const client = demoClient({ account: ACCOUNT, connection: ONLINE, chats: demoChats([]) })
    const read = vi.fn(async () => undefined)
    const { get } = client.conversations
    client.conversations.get = async (id) => {
      const conversation = await get(id)
      return conversation && { ...conversation, markRead: read }
    }
    vi.spyOn(document, 'hasFocus').mockReturnValue(true)
    render(<App store={{ ...STORE, open: async () => client }} />)
    await screen.findByTestId('request-bar')
    await act(() => new Promise((resolve) => setTimeout(resolve, 50)))
    expect(read).not.toHaveBeenCalled()
  })

  test('a changed safety number is reviewed and accepted', async () => {
    await openChat('jonas')
    fireEvent.click(screen.getByTestId('review-identity'))
    const number = await screen.findByTestId('safety-number')
    expect(number.querySelectorAll('li')).toHaveLength(12)
    fireEvent.click(screen.getByTestId('accept-identity'))
    await waitFor(() => expect(screen.queryByTestId('identity-bar')).toBeNull())
  })
})

test('a new chat by number: not registered, then an existing one', async () => {
  show()
  fireEvent.click(await screen.findByTestId('new-chat'))
  const number = await screen.findByTestId('new-chat-number')
  fireEvent.change(number, { target: { value: '+12025550199' } })
  fireEvent.click(screen.getByTestId('start-chat'))
  expect((await screen.findByTestId('not-registered')).textContent).toContain('is not on SecureChat yet')
  fireEvent.change(number, { target: { value: '+14155550142' } })
  fireEvent.click(screen.getByTestId('start-chat'))
  await waitFor(() => expect(location.hash).toBe('#/chats/chat-sam'))
})

test('the account is deleted only after the word was typed, and a failure is said', async () => {
  history.replaceState(null, '', '#/settings')
  show()
  fireEvent.click(await screen.findByTestId('erase-account'))
  const confirm = (await screen.findByTestId('confirm-erase')) as HTMLButtonElement
  expect(confirm.disabled).toBe(true)
  fireEvent.change(screen.getByRole('textbox'), { target: { value: 'Delete' } })
  expect(confirm.disabled).toBe(false)
  fireEvent.click(confirm)
  expect((await screen.findByRole('alert')).textContent).toContain('cannot be reached')
})

test('the title counts the unread messages that are not muted', async () => {
  show()
  await screen.findAllByTestId('chat-row')
  await waitFor(() => expect(document.title).toBe('(4) SecureChat'))
})

test('older messages on their way are shown with how far they are, and what did not come is said for two days', async () => {
  const transfer = { direction: 'receiving', progress: { done: 5, total: 20 }, expiresAt: Date.now() } as const
  show({ linking: { history: [{ ...transfer, status: 'running' }] } })
  expect((await screen.findByTestId('history-transfer')).textContent).toContain('coming from your other device')
  expect(screen.getByRole('progressbar', { name: 'Receiving' }).getAttribute('aria-valuenow')).toBe('25')
  cleanup()
  show({ linking: { history: [{ ...transfer, status: 'expired' }] } })
  expect((await screen.findByTestId('history-transfer')).textContent).toContain('in time')
  cleanup()
  for (const ended of [{ ...transfer, status: 'done' } as const, { ...transfer, status: 'expired', expiresAt: Date.now() - 172_900_000 } as const]) {
    show({ linking: { history: [ended] } })
    await screen.findAllByTestId('chat-row')
    expect(screen.queryByTestId('history-transfer')).toBeNull()
    cleanup()
  }
})

test('a browser that has deleted the messages says so where one signs in', async () => {
  show({ account: { status: 'signed-out' }, risks: ['lost', 'not-persistent'] })
  expect(await screen.findByText('This browser has deleted your messages')).toBeTruthy()
  expect(screen.getByTestId('phone-input')).toBeTruthy()
})

test('a browser that may delete the messages is asked to keep them, and little space is said', async () => {
  history.replaceState(null, '', '#/settings')
  show({ risks: ['not-persistent', 'quota-low'] })
  expect(await screen.findByTestId('low-space')).toBeTruthy()
  fireEvent.click(await screen.findByTestId('keep-storage'))
  // In the settings, and as what has just happened.
  await waitFor(() => expect(screen.getAllByText(/^This browser keeps your messages/).length).toBe(2))
  expect(screen.queryByTestId('keep-storage')).toBeNull()
})
