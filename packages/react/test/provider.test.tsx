// @vitest-environment happy-dom
import type { Client } from '@securechat/client'
import { act, cleanup, render, screen } from '@testing-library/react'
import { Component, type ReactNode } from 'react'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { SecureChatProvider, useClient } from '../src/index.js'
import { fakeClient } from './fake-client.js'
import { renderStrict, settle } from './render.js'

afterEach(cleanup)

const Child = () => {
  useClient()
  return <p>child</p>
}

const See = ({ by }: { by: Client[] }) => {
  by.push(useClient())
  return null
}

class Boundary extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {}
  static getDerivedStateFromError = (error: Error) => ({ error })
  override render() {
    return this.state.error ? <p>caught {this.state.error.message}</p> : this.props.children
  }
}

describe('a client made by a function', () => {
  test('StrictMode makes it once, starts it once and closes it once', async () => {
    const fake = fakeClient()
    const make = vi.fn(async () => fake.client)
    const { unmount } = renderStrict({ client: make, children: <Child />, fallback: 'opening' })
    expect(screen.getByText('opening')).toBeTruthy()
    await act(settle)
    expect(screen.getByText('child')).toBeTruthy()
    act(() => fake.account.set({ status: 'signed-in' }))
    expect([make.mock.calls.length, fake.calls.start, fake.calls.close]).toEqual([1, 1, 0])
    unmount()
    await settle()
    expect([make.mock.calls.length, fake.calls.start, fake.calls.close]).toEqual([1, 1, 1])
    expect(fake.account.listeners.size).toBe(0)
  })

  test('an inline function is not another client with every render', async () => {
    const fake = fakeClient()
    let made = 0
    const app = () => (
      <SecureChatProvider
        client={async () => {
          made += 1
          return fake.client
        }}
      >
        <Child />
      </SecureChatProvider>
    )
    const { rerender } = render(app())
    await act(settle)
    rerender(app())
    await act(settle)
    expect([made, fake.calls.close]).toEqual([1, 0])
  })

  test('unmounted while it is being made: it is closed as soon as it is there', async () => {
    const fake = fakeClient()
    let finish = (_: Client): void => undefined
    const { unmount } = renderStrict({ client: () => new Promise<Client>((resolve) => (finish = resolve)), children: <Child /> })
    await act(settle)
    unmount()
    await settle()
    finish(fake.client)
    await settle()
    expect([fake.calls.start, fake.calls.close]).toEqual([0, 1])
  })

  test('it is started again after signing out and in', async () => {
    const fake = fakeClient()
    renderStrict({ client: async () => fake.client, children: <Child /> })
    await act(settle)
    act(() => fake.account.set({ status: 'signed-out' }))
    expect(fake.calls.start).toBe(0)
    act(() => fake.account.set({ status: 'signed-in' }))
    act(() => fake.account.set({ status: 'signed-in', phone: '+14155550100' }))
    expect(fake.calls.start).toBe(1)
    act(() => fake.account.set({ status: 'signed-out' }))
    act(() => fake.account.set({ status: 'signed-in' }))
    expect(fake.calls.start).toBe(2)
  })

  test('a failure goes to the fallback, which can try again', async () => {
    const fake = fakeClient()
    const errors: string[] = []
    let attempts = 0
    render(
      <SecureChatProvider
        client={async () => {
          attempts += 1
          if (attempts === 1) throw new Error('no store')
          return fake.client
        }}
        onError={(error, during) => errors.push(`${during}: ${error.message}`)}
        fallback={(state) =>
          state.status === 'failed' ? (
            <button type="button" onClick={state.retry}>
              {state.error.message}
            </button>
          ) : (
            'opening'
          )
        }
      >
        <Child />
      </SecureChatProvider>,
    )
    await act(settle)
    const button = screen.getByText('no store')
    await act(async () => {
      button.click()
      button.click()
      await settle()
    })
    expect(screen.getByText('child')).toBeTruthy()
    expect([attempts, errors]).toEqual([2, ['opening: no store']])
  })

  test('a failure without such a fallback goes to the error boundary', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    render(
      <Boundary>
        <SecureChatProvider client={() => Promise.reject(new Error('no store'))} fallback="opening">
          <Child />
        </SecureChatProvider>
      </Boundary>,
    )
    await act(settle)
    expect(screen.getByText('caught no store')).toBeTruthy()
  })

  test('a start that fails is told and tried again with the next sign-in', async () => {
    const fake = fakeClient()
    const errors: string[] = []
    let starts = 0
    fake.client.start = async () => {
      starts += 1
      if (starts === 1) throw new Error('cannot start')
    }
    renderStrict({ client: async () => fake.client, children: <Child />, onError: (error, during) => errors.push(`${during}: ${error.message}`) })
    await act(settle)
    act(() => fake.account.set({ status: 'signed-in' }))
    await act(settle)
    expect(errors).toEqual(['starting: cannot start'])
    act(() => fake.account.set({ status: 'signed-in', phone: '+14155550100' }))
    expect(starts).toBe(2)
  })

  test('the next client waits until the last one has closed', async () => {
    const order: string[] = []
    let closed = (): void => undefined
    const fake = fakeClient()
    fake.client.close = () =>
      new Promise<void>((resolve) => {
        order.push('closing')
        closed = () => {
          order.push('closed')
          resolve()
        }
      })
    const make = async () => {
      order.push('made')
      return fake.client
    }
    const { ClientHolder } = await import('../src/client-holder.js')
    const holder = new ClientHolder(make, (error) => order.push(error.message))
    holder.mount()
    await settle()
    holder.unmount()
    await settle()
    holder.mount()
    await settle()
    expect(order).toEqual(['made', 'closing'])
    closed()
    await settle()
    expect(order).toEqual(['made', 'closing', 'closed', 'made'])
  })
})

describe('a client that was passed in', () => {
  test('is there at once, is started when signed in, and stays open', async () => {
    const fake = fakeClient()
    fake.account.set({ status: 'signed-in' })
    const { unmount } = renderStrict({ client: fake.client, children: <Child /> })
    expect(screen.getByText('child')).toBeTruthy()
    unmount()
    await settle()
    expect(fake.calls.start).toBe(1)
    expect(fake.calls.close).toBe(0)
  })

  test('another one takes its place', () => {
    const seen: Client[] = []
    const [first, second] = [fakeClient(), fakeClient()]
    const app = (client: Client) => (
      <SecureChatProvider client={client}>
        <See by={seen} />
      </SecureChatProvider>
    )
    const { rerender } = render(app(first.client))
    rerender(app(second.client))
    expect(seen.at(0)).toBe(first.client)
    expect(seen.at(-1)).toBe(second.client)
  })
})

test('hooks outside a provider say what is missing', () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  expect(() => render(<Child />)).toThrow('inside <SecureChatProvider>')
})
