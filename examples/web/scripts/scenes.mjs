/**
 * Every screen and state. `scene` is the demo's start state (test/demo/main.tsx), `hash` where the app opens, `act` leads further by what a
 * person would do. `only`: states that look the same at the other width.
 *
 * @typedef {import('playwright-core').Page} Page
 * @typedef {{ name: string, scene: string, hash?: string, only?: 'phone' | 'desktop', act?: (page: Page, kind: 'phone' | 'desktop') => Promise<void> }} Scene
 */

const id = (page, testId) => page.getByTestId(testId)

const toCode = async (page) => {
  await id(page, 'phone-input').fill('+14155550142')
  await id(page, 'request-code').click()
  await id(page, 'code-input').waitFor()
}
const enter = (code) => async (page) => {
  await toCode(page)
  await id(page, 'code-input').pressSequentially(code)
}
const toPin = (pin) => async (page) => {
  await enter('555555')(page)
  await id(page, 'pin-input').waitFor()
  if (pin === undefined) return
  await id(page, 'pin-input').fill(pin)
  await id(page, 'confirm-pin').click()
  await page.getByRole('alert').waitFor()
}
const toPromotion = async (page) => {
  await id(page, 'promote').click()
  await page.getByText('You have no 24 words.').waitFor()
}
const toPinDialog = async (page) => {
  await id(page, 'open-pin').click()
  await id(page, 'pin-new').waitFor()
}
const openMessageMenu = async (page, text) => {
  const message = id(page, 'message').filter({ hasText: text }).first()
  await message.click({ button: 'right' })
  await page.getByRole('menu').waitFor()
}
const sam = '#/chats/chat-sam'
const scanBy = (text) => async (page) => {
  await id(page, 'link-device').click()
  await id(page, 'link-other-way').click()
  await id(page, 'code-is-mine').check()
  await id(page, 'code-text').fill(text)
  await id(page, 'use-code-text').click()
}
const aCode = 'AQtTQzEvbGluaw'.repeat(20)
const compare = (digits) => async (page) => {
  await scanBy(aCode)(page)
  await id(page, 'link-digits').pressSequentially(digits)
  await id(page, 'approve-link').click()
}

/** @type {Scene[]} */
export const SCENES = [
  { name: 'start-splash', scene: 'splash' },
  { name: 'start-no-storage', scene: 'no-storage' },
  { name: 'start-corrupt', scene: 'corrupt' },
  {
    name: 'start-corrupt-erase',
    scene: 'corrupt',
    act: (page) => page.getByRole('button', { name: 'Erase and start over' }).click(),
  },
  { name: 'start-tab-waiting', scene: 'tab-waiting' },
  { name: 'start-defect', scene: 'defect' },
  { name: 'start-signed-out-elsewhere', scene: 'revoked' },
  { name: 'login-phone', scene: 'login' },
  { name: 'login-lost', scene: 'login-lost', act: (page) => id(page, 'store-lost').waitFor() },
  {
    name: 'login-phone-invalid',
    scene: 'login',
    act: async (page) => {
      await id(page, 'phone-input').fill('+49 15')
      await id(page, 'request-code').click()
    },
  },
  {
    name: 'login-phone-unreachable',
    scene: 'login',
    act: async (page) => {
      await id(page, 'phone-input').fill('+14155559999')
      await id(page, 'request-code').click()
      await page.getByRole('alert').waitFor()
    },
  },
  { name: 'login-code', scene: 'login', act: enter('4071') },
  { name: 'login-code-pending', scene: 'login', act: enter('999999') },
  { name: 'login-code-wrong', scene: 'login', act: enter('000000') },
  { name: 'login-code-expired', scene: 'login', act: enter('111111') },
  { name: 'login-code-too-many', scene: 'login', act: enter('222222') },
  {
    name: 'login-replace',
    scene: 'login',
    act: async (page) => {
      await enter('333333')(page)
      await id(page, 'replace-keys').waitFor()
    },
  },
  { name: 'login-pin', scene: 'login', act: toPin() },
  { name: 'login-pin-wrong', scene: 'login', act: toPin('1357') },
  { name: 'login-pin-too-many', scene: 'login', act: toPin('0000') },
  { name: 'login-profile', scene: 'profile', act: (page) => id(page, 'name-input').fill('Alex Kim') },
  {
    name: 'login-profile-empty',
    scene: 'profile',
    act: (page) => id(page, 'save-profile').click(),
  },
  { name: 'chats', scene: 'chats' },
  { name: 'chats-loading', scene: 'loading-chats' },
  { name: 'chats-empty', scene: 'empty' },
  { name: 'chats-search', scene: 'chats', act: (page) => id(page, 'chat-search').fill('we') },
  { name: 'chats-search-nobody', scene: 'chats', act: (page) => id(page, 'chat-search').fill('Zaphod') },
  { name: 'chats-archived', scene: 'chats', hash: '#/archived' },
  { name: 'chats-requests', scene: 'chats', hash: '#/requests' },
  { name: 'chats-requests-none', scene: 'empty', hash: '#/requests' },
  {
    name: 'chats-menu',
    scene: 'chats',
    only: 'desktop',
    act: async (page) => {
      await id(page, 'chat-row').nth(2).hover()
      await page.getByRole('button', { name: 'Options for Jonas Weber' }).click()
    },
  },
  { name: 'new-chat', scene: 'chats', act: (page) => id(page, 'new-chat').click() },
  {
    name: 'new-chat-not-registered',
    scene: 'chats',
    act: async (page) => {
      await id(page, 'new-chat').click()
      await id(page, 'new-chat-number').fill('+12025550199')
      await id(page, 'start-chat').click()
      await id(page, 'not-registered').waitFor()
    },
  },
  { name: 'connection-offline', scene: 'offline' },
  { name: 'connection-offline-chat', scene: 'offline', hash: sam },
  { name: 'connection-connecting', scene: 'connecting', act: (page) => id(page, 'connection-banner').waitFor() },
  { name: 'connection-catching-up', scene: 'catching-up', act: (page) => id(page, 'connection-banner').waitFor() },
  { name: 'connection-update-required', scene: 'update-required' },
  { name: 'chat', scene: 'chats', hash: sam },
  { name: 'chat-loading', scene: 'loading-messages', hash: sam },
  { name: 'chat-missing', scene: 'chats', hash: '#/chats/nobody' },
  { name: 'chat-empty', scene: 'chats', hash: '#/chats/chat-ada' },
  { name: 'chat-unread-typing', scene: 'chats', hash: '#/chats/chat-mina' },
  { name: 'chat-identity-changed', scene: 'chats', hash: '#/chats/chat-jonas' },
  { name: 'chat-failed', scene: 'chats', hash: '#/chats/chat-lena' },
  { name: 'chat-right-to-left', scene: 'chats', hash: '#/chats/chat-noor' },
  { name: 'chat-request', scene: 'chats', hash: '#/requests/chat-eve' },
  { name: 'chat-blocked', scene: 'chats', hash: '#/chats/chat-tom' },
  {
    name: 'chat-scrolled',
    scene: 'chats',
    hash: sam,
    act: async (page) => {
      await id(page, 'message').last().waitFor()
      await id(page, 'message-list').hover()
      await page.mouse.wheel(0, -900)
      await id(page, 'jump-to-latest').waitFor()
    },
  },
  {
    name: 'chat-beginning',
    scene: 'chats',
    hash: '#/chats/chat-eleni',
  },
  { name: 'chat-message-menu', scene: 'chats', hash: sam, act: (page) => openMessageMenu(page, 'Train at 8:12') },
  {
    name: 'chat-reply',
    scene: 'chats',
    hash: sam,
    act: async (page) => {
      await openMessageMenu(page, 'Deal')
      await page.getByRole('menuitem', { name: 'Reply' }).click()
      await id(page, 'composer').fill('And one more thing:\nthe last train back leaves at 19:40, so we should be at the lake before five.')
    },
  },
  {
    name: 'chat-edit',
    scene: 'chats',
    hash: sam,
    act: async (page) => {
      await openMessageMenu(page, 'And gloves')
      await page.getByRole('menuitem', { name: 'Edit' }).click()
    },
  },
  {
    name: 'chat-delete',
    scene: 'chats',
    hash: sam,
    act: async (page) => {
      await openMessageMenu(page, 'And gloves')
      await page.getByRole('menuitem', { name: 'Delete' }).click()
      await page.getByRole('alertdialog').waitFor()
    },
  },
  {
    name: 'chat-sent',
    scene: 'chats',
    hash: sam,
    act: async (page) => {
      await id(page, 'composer').fill('See you on Saturday 👋')
      await id(page, 'send').click()
      await page.locator('[data-status=delivered]').nth(1).waitFor()
    },
  },
  { name: 'chat-options', scene: 'chats', hash: sam, act: (page) => id(page, 'chat-menu').click() },
  {
    name: 'chat-block',
    scene: 'chats',
    hash: sam,
    act: async (page) => {
      await id(page, 'chat-menu').click()
      await page.getByRole('menuitem', { name: 'Block' }).click()
    },
  },
  ...[
    ['contact-verified', 'sam'],
    ['contact-not-compared', 'mina'],
    ['contact-changed', 'jonas'],
    ['contact-error', 'ada'],
  ].map(([name, chat]) => ({
    name,
    scene: 'chats',
    hash: `#/chats/chat-${chat}`,
    act: async (page) => {
      await id(page, 'open-contact').click()
      await page.getByRole('dialog').locator('[data-testid=safety-number], [role=alert]').waitFor()
    },
  })),
  {
    name: 'login-link',
    scene: 'login',
    act: (page) =>
      id(page, 'link-instead')
        .click()
        .then(() => id(page, 'qr-code').waitFor()),
  },
  {
    name: 'login-link-text',
    scene: 'login',
    act: async (page) => {
      await id(page, 'link-instead').click()
      await page.getByText('No camera on the other device?').click()
    },
  },
  {
    name: 'login-link-answered',
    scene: 'login-answered',
    act: (page) =>
      id(page, 'link-instead')
        .click()
        .then(() => id(page, 'confirm-link').waitFor()),
  },
  {
    name: 'login-link-waiting',
    scene: 'login-answered',
    act: async (page) => {
      await id(page, 'link-instead').click()
      await id(page, 'confirm-link').click()
    },
  },
  {
    name: 'login-link-expired',
    scene: 'login-expired',
    act: (page) =>
      id(page, 'link-instead')
        .click()
        .then(() => id(page, 'link-again').waitFor()),
  },
  { name: 'devices', scene: 'chats', hash: '#/devices', act: (page) => id(page, 'device-row').first().waitFor() },
  { name: 'devices-not-primary', scene: 'linked-device', hash: '#/devices', act: (page) => id(page, 'device-row').first().waitFor() },
  {
    name: 'devices-scan',
    scene: 'chats',
    hash: '#/devices',
    act: (page) =>
      id(page, 'link-device')
        .click()
        .then(() => page.locator('[data-testid=camera][data-status=failed]').waitFor()),
  },
  {
    name: 'devices-scan-other-way',
    scene: 'chats',
    hash: '#/devices',
    act: async (page) => {
      await id(page, 'link-device').click()
      await id(page, 'link-other-way').click()
      await id(page, 'code-is-mine').check()
    },
  },
  { name: 'devices-scan-reading', scene: 'chats', hash: '#/devices', act: scanBy('slow') },
  { name: 'devices-scan-no-code', scene: 'chats', hash: '#/devices', act: scanBy('https://example.org/link') },
  { name: 'devices-scan-middle', scene: 'chats', hash: '#/devices', act: scanBy('middle') },
  {
    name: 'devices-compare',
    scene: 'chats',
    hash: '#/devices',
    act: async (page) => {
      await scanBy(aCode)(page)
      await id(page, 'link-digits').pressSequentially('204')
    },
  },
  {
    name: 'devices-compare-wrong',
    scene: 'chats',
    hash: '#/devices',
    act: async (page) => {
      await compare('123456')(page)
      await page.getByRole('alert').waitFor()
    },
  },
  {
    name: 'devices-promotion-scanned',
    scene: 'chats',
    hash: '#/devices',
    act: (page) => scanBy(`promotion${aCode}`)(page).then(() => id(page, 'link-digits').waitFor()),
  },
  { name: 'devices-promote', scene: 'linked-device', hash: '#/devices', act: toPromotion },
  {
    name: 'devices-promote-code',
    scene: 'linked-device',
    hash: '#/devices',
    act: async (page) => {
      await toPromotion(page)
      await id(page, 'promote-anyway').click()
      await id(page, 'code-expiry').waitFor()
    },
  },
  { name: 'devices-approving', scene: 'chats', hash: '#/devices', act: compare('111111') },
  { name: 'devices-link-expired', scene: 'chats', hash: '#/devices', act: compare('222222') },
  { name: 'devices-linked', scene: 'chats', hash: '#/devices', act: (page) => compare('204917')(page).then(() => id(page, 'linked').waitFor()) },
  {
    name: 'devices-remove',
    scene: 'chats',
    hash: '#/devices',
    act: (page) =>
      id(page, 'device-row')
        .nth(1)
        .click()
        .then(() => id(page, 'revoke-device').click()),
  },
  { name: 'devices-one', scene: 'chats', hash: '#/devices', act: (page) => id(page, 'device-row').nth(1).click() },
  { name: 'devices-alert', scene: 'alerts', act: (page) => id(page, 'device-alert').waitFor() },
  { name: 'lock', scene: 'chats', hash: '#/lock', act: (page) => id(page, 'set-passphrase').waitFor() },
  {
    name: 'lock-set',
    scene: 'chats',
    hash: '#/lock',
    act: async (page) => {
      await id(page, 'set-passphrase').click()
      await id(page, 'passphrase-new').fill('short')
      await id(page, 'save-passphrase').click()
    },
  },
  { name: 'lock-with-locks', scene: 'with-locks', hash: '#/lock', act: (page) => id(page, 'lock-row').first().waitFor() },
  { name: 'lock-remove', scene: 'with-locks', hash: '#/lock', act: (page) => id(page, 'remove-lock').first().click() },
  { name: 'unlock', scene: 'locked', act: (page) => id(page, 'passphrase').waitFor() },
  {
    name: 'unlock-wrong',
    scene: 'locked',
    act: async (page) => {
      await id(page, 'passphrase').fill('wrong')
      await id(page, 'unlock-now').click()
      await page.getByRole('alert').waitFor()
    },
  },
  { name: 'unlock-forgot', scene: 'locked', act: (page) => id(page, 'forgot').click() },
  { name: 'low-space', scene: 'low-space', act: (page) => id(page, 'low-space').waitFor() },
  {
    name: 'settings-not-persistent',
    scene: 'not-persistent',
    hash: '#/settings',
    act: (page) => id(page, 'keep-storage').scrollIntoViewIfNeeded(),
  },
  { name: 'backup', scene: 'chats', hash: '#/backup', act: (page) => id(page, 'create-backup').waitFor() },
  {
    name: 'backup-words',
    scene: 'chats',
    hash: '#/backup',
    act: async (page) => {
      await id(page, 'create-backup').click()
      await id(page, 'backup-words').waitFor()
    },
  },
  {
    name: 'backup-check',
    scene: 'chats',
    hash: '#/backup',
    act: async (page) => {
      await id(page, 'create-backup').click()
      await id(page, 'words-written').click()
    },
  },
  { name: 'backup-on', scene: 'backup-on', hash: '#/backup', act: (page) => id(page, 'backup-now').waitFor() },
  { name: 'backup-running', scene: 'backup-running', hash: '#/backup', act: (page) => id(page, 'backup-now').waitFor() },
  { name: 'history-coming', scene: 'linked-device-history', act: (page) => id(page, 'history-transfer').waitFor() },
  { name: 'history-expired', scene: 'linked-device-history-expired', act: (page) => id(page, 'history-transfer').waitFor() },
  { name: 'backup-restoring', scene: 'restoring', act: (page) => id(page, 'restoring').waitFor() },
  {
    name: 'login-words',
    scene: 'login',
    act: async (page) => {
      await enter('333333')(page)
      await id(page, 'have-words').click()
      await id(page, 'restore-words').fill('abandon ability')
      await id(page, 'restore').click()
    },
  },
  { name: 'settings', scene: 'chats', hash: '#/settings' },
  { name: 'settings-profile', scene: 'chats', hash: '#/settings', act: (page) => id(page, 'edit-profile').click() },
  { name: 'settings-pin', scene: 'chats', hash: '#/settings', act: toPinDialog },
  {
    name: 'settings-pin-different',
    scene: 'chats',
    hash: '#/settings',
    act: async (page) => {
      await toPinDialog(page)
      await id(page, 'pin-new').fill('246810')
      await id(page, 'pin-again').fill('246811')
      await id(page, 'save-pin').click()
    },
  },
  {
    name: 'settings-pin-set',
    scene: 'chats',
    hash: '#/settings',
    act: async (page) => {
      await toPinDialog(page)
      for (const field of ['pin-new', 'pin-again']) await id(page, field).fill('246810')
      await id(page, 'save-pin').click()
      await toPinDialog(page)
    },
  },
  { name: 'settings-logout', scene: 'chats', hash: '#/settings', act: (page) => id(page, 'logout').click() },
  {
    name: 'settings-delete',
    scene: 'chats',
    hash: '#/settings',
    act: async (page) => {
      await id(page, 'erase-account').click()
      await page.getByRole('textbox').fill('delete')
    },
  },
  {
    name: 'settings-delete-failed',
    scene: 'chats',
    hash: '#/settings',
    act: async (page) => {
      await id(page, 'erase-account').click()
      await page.getByRole('textbox').fill('delete')
      await id(page, 'confirm-erase').click()
      await page.getByRole('alert').waitFor()
    },
  },
]
