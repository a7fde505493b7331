import { AsYouType, type CountryCode, getCountries, getCountryCallingCode, parsePhoneNumberFromString } from 'libphonenumber-js/min'

export type { CountryCode }

export interface Country {
  readonly code: CountryCode
  readonly name: string
  readonly callingCode: string
}

/** In the order of their names in the reader's language. */
export function countries(locale: string | undefined): readonly Country[] {
  const names = new Intl.DisplayNames(locale === undefined ? undefined : [locale], { type: 'region' })
  return getCountries()
    .map((code) => ({ code, name: names.of(code) ?? code, callingCode: getCountryCallingCode(code) }))
    .sort((a, b) => a.name.localeCompare(b.name, locale))
}

/** The region of the browser's language: "de-AT" is Austria. Where it names none, the most likely one of the language. */
export function guessCountry(locale: string | undefined): CountryCode {
  const region = locale === undefined ? undefined : new Intl.Locale(locale).maximize().region
  return getCountries().find((code) => code === region) ?? 'US'
}

export interface PhoneEntry {
  /** As the person sees it, with spaces. */
  readonly text: string
  readonly country: CountryCode
  /** E.164 once it can be a number of its country. The server decides: numbering plans change faster than the table in this app. */
  readonly number: string | undefined
}

/** What was typed or pasted, read as a number of `country` unless it begins with + or 00. Keeps the text as it is but for spacing. */
export function readPhone(input: string, country: CountryCode): PhoneEntry {
  const cleaned = input.replace(/[^\d+]/g, '').replace(/(?!^)\+/g, '')
  const international = cleaned.startsWith('00') ? `+${cleaned.slice(2)}` : cleaned
  if (international === '' || international === '+') return { text: international, country, number: undefined }
  const typed = new AsYouType(country)
  const text = typed.input(international)
  const parsed = parsePhoneNumberFromString(international, country)
  const number = parsed?.isPossible() ? parsed.number : undefined
  return { text, country: parsed?.country ?? typed.getCountry() ?? countryOfCallingCode(typed.getCallingCode(), country), number }
}

/** The same number, when its country is chosen by hand: a country code that was typed gives way to the chosen one. */
export function changeCountry(text: string, from: CountryCode, to: CountryCode): PhoneEntry {
  const digits = text.replace(/[^\d+]/g, '').replace(/^00/, '+')
  const prefix = `+${getCountryCallingCode(from)}`
  return readPhone(digits.startsWith(prefix) ? digits.slice(prefix.length) : digits.replace('+', ''), to)
}

function countryOfCallingCode(callingCode: string | undefined, current: CountryCode): CountryCode {
  if (callingCode === undefined || getCountryCallingCode(current) === callingCode) return current
  return getCountries().find((code) => getCountryCallingCode(code) === callingCode) ?? current
}

/** "+1 415 555 0100"; what is no number comes back as it is. */
export const showPhone = (number: string): string => parsePhoneNumberFromString(number)?.formatInternational() ?? number
