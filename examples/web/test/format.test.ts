import { describe, expect, test } from 'vitest'
import { hueOf, initialsOf } from '../src/format/avatar-look.js'
import { cropOf } from '../src/format/avatar-picture.js'
import { isOnlyEmoji, textParts } from '../src/format/message-text.js'
import { changeCountry, countries, guessCountry, readPhone, showPhone } from '../src/format/phone.js'
import { countdown, dayLabel, daysBefore, rowTime, timeOfDay } from '../src/format/time.js'

describe('phone numbers', () => {
  test.each([
    ['(415) 555-0100', 'US', '+14155550100', 'US'],
    ['+49 170 1234567', 'US', '+491701234567', 'DE'],
    ['0049 170 1234567', 'US', '+491701234567', 'DE'],
    ['0170 1234567', 'DE', '+491701234567', 'DE'],
    [' +1 415-555-0100 ', 'DE', '+14155550100', 'US'],
    ['tel:+14155550100', 'US', '+14155550100', 'US'],
  ] as const)('%s typed in %s is %s', (text, country, number, read) => {
    expect(readPhone(text, country)).toMatchObject({ number, country: read })
  })

  test.each(['', '+', '12', '+1415', 'abc', '+999999999999999999'])('%s is no number yet', (text) => {
    expect(readPhone(text, 'US').number).toBeUndefined()
  })

  test('a country chosen by hand takes the place of the typed code', () => {
    expect(changeCountry('+49 170 1234567', 'DE', 'AT')).toMatchObject({ country: 'AT', number: '+431701234567' })
    // The area code decides between countries that share a calling code.
    expect(changeCountry('415 555 0100', 'CA', 'US')).toMatchObject({ country: 'US', number: '+14155550100' })
  })

  test('countries that share a code stay as chosen while typing', () => {
    expect(readPhone('+1', 'CA').country).toBe('CA')
  })

  test('the country is guessed from the language', () => {
    expect(['de-AT', 'en', 'pt-BR', undefined].map(guessCountry)).toEqual(['AT', 'US', 'BR', 'US'])
  })

  test('countries have names and are sorted by them', () => {
    const names = countries('en').map(({ name }) => name)
    expect(names).toContain('Germany')
    expect(names).toEqual([...names].sort((a, b) => a.localeCompare(b, 'en')))
  })

  test('shown with spaces; what is no number comes back', () => {
    expect([showPhone('+14155550100'), showPhone('Sam')]).toEqual(['+1 415 555 0100', 'Sam'])
  })
})

describe('avatars', () => {
  test('initials', () => {
    expect(['Sam Rivera', 'sam', '  ', '+1 415 555 0142', 'نور الهدى', '👩‍🚀 Space Kim', 'ångström'].map(initialsOf)).toEqual([
      'SR',
      'S',
      '?',
      '42',
      'نا',
      '👩‍🚀K',
      'Å',
    ])
  })

  test('the colour is that of the id, and all eight occur', () => {
    expect(hueOf('sam')).toBe(hueOf('sam'))
    expect(new Set(Array.from({ length: 200 }, (_, i) => hueOf(`account ${i}`)))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]))
  })

  test('the crop is the largest square, above the middle of a tall picture', () => {
    expect(cropOf(400, 200)).toEqual({ x: 100, y: 0, side: 200 })
    expect(cropOf(200, 400)).toEqual({ x: 0, y: 80, side: 200 })
    expect(cropOf(256, 256)).toEqual({ x: 0, y: 0, side: 256 })
  })
})

describe('message text', () => {
  const links = (text: string) => textParts(text).flatMap(({ href }) => (href === undefined ? [] : [href]))

  test.each([
    ['see https://example.org.', ['https://example.org/']],
    ['(https://example.org/a)', ['https://example.org/a']],
    ['https://en.wikipedia.org/wiki/Ratchet_(device), really', ['https://en.wikipedia.org/wiki/Ratchet_(device)']],
    ['http://a.example and https://b.example?', ['http://a.example/', 'https://b.example/']],
    ['javascript:alert(1) data:text/html,x ftp://x.example', []],
    ['xhttps://example.org', []],
    ['https://', []],
  ])('%s', (text, expected) => {
    expect(links(text)).toEqual(expected)
  })

  test('nothing is lost or added', () => {
    for (const text of ['', 'plain', 'a https://x.example b', 'https://x.example', 'https:// https://x.example...\n(https://y.example)']) {
      const parts = textParts(text)
      expect(parts.map((part) => part.text).join('')).toBe(text)
      for (const part of parts) expect(text.slice(part.at, part.at + part.text.length)).toBe(part.text)
    }
  })

  test('an address with 200,000 brackets or points, on which a look back at each of them would not end', () => {
    const [closing, points, pairs] = [')'.repeat(200_000), '.'.repeat(200_000), '('.repeat(200_000)]
    expect(textParts(`http://a.example/${closing}`)).toEqual([
      { at: 0, text: 'http://a.example/', href: 'http://a.example/' },
      { at: 17, text: closing },
    ])
    expect(textParts(`http://a.example/${points}x`).map(({ text }) => text.length)).toEqual([200_018])
    expect(textParts(`http://a.example/${pairs}${closing}.`).map(({ text }) => text.length)).toEqual([400_017, 1])
  })

  test('only emoji, and not too many, are shown large', () => {
    expect(['👍', '☕️🥐', '👩‍🚀', '👍🏽', '👍👍👍👍', '1', 'ok 👍', ''].map(isOnlyEmoji)).toEqual([true, true, true, true, false, false, false, false])
  })
})

describe('times', () => {
  test('every time that can arrive can be shown: from the first to the last that a Date has', () => {
    const now = Date.UTC(2026, 0, 1)
    for (const time of [0, 8_640_000_000_000_000]) for (const shown of [rowTime(time, now), dayLabel(time, now), timeOfDay(time)]) expect(shown).not.toBe('')
  })

  const at = (text: string): number => new Date(text).getTime()
  const now = at('2026-11-20T14:32:00')

  test('days are those of the local calendar, not of 24 hours', () => {
    expect(daysBefore(at('2026-11-19T23:59:00'), at('2026-11-20T00:01:00'))).toBe(1)
    expect(daysBefore(at('2026-11-20T00:01:00'), at('2026-11-20T23:59:00'))).toBe(0)
    expect(daysBefore(at('2026-11-21T00:01:00'), now)).toBe(-1)
  })

  test('labels go from the time to the date', () => {
    expect(dayLabel(now, now)).toBe('Today')
    expect(dayLabel(at('2026-11-19T10:00:00'), now)).toBe('Yesterday')
    expect(dayLabel(at('2026-11-17T10:00:00'), now)).toBe('Tuesday')
    expect(dayLabel(at('2026-03-02T10:00:00'), now)).toContain('March')
    expect(dayLabel(at('2024-03-02T10:00:00'), now)).toContain('2024')
    expect(rowTime(at('2026-11-17T10:00:00'), now)).toBe('Tuesday')
    expect(rowTime(at('2026-11-19T10:00:00'), now)).toBe('Yesterday')
    expect(rowTime(at('2026-11-20T14:00:00'), now)).toMatch(/00/)
  })

  test('a message from a clock that runs ahead is of today in the list, and has its date in the chat', () => {
    expect(rowTime(at('2026-11-22T10:00:00'), now)).toMatch(/10/)
    expect(dayLabel(at('2026-11-22T10:00:00'), now)).toContain('22')
  })

  test('countdown', () => {
    expect([countdown(41_200), countdown(0), countdown(-5), countdown(61_000)]).toEqual(['0:42', '0:00', '0:00', '1:01'])
  })
})
