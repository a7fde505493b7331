import type { Client } from '@securechat/client'
import { render, renderHook } from '@testing-library/react'
import { type ReactNode, StrictMode } from 'react'
import { SecureChatProvider, type SecureChatProviderProps } from '../src/index.js'

export const providerOf =
  (client: Client) =>
  ({ children }: { children: ReactNode }): ReactNode => <SecureChatProvider client={client}>{children}</SecureChatProvider>

/** Counts how often the hook's component rendered. */
export function hookIn<T>(client: Client, hook: () => T) {
  let renders = 0
  const counted = (): T => {
    renders += 1
    return hook()
  }
  return { ...renderHook(counted, { wrapper: providerOf(client) }), renders: () => renders }
}

export const renderStrict = (props: SecureChatProviderProps) =>
  render(
    <StrictMode>
      <SecureChatProvider {...props} />
    </StrictMode>,
  )

/** Lets promises that are already resolved run their continuations. */
export const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}
