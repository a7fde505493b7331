/** `at`: where in the text it begins. */
export type TextPart = { readonly at: number; readonly text: string; readonly href?: string }

const LINK = /\bhttps?:\/\/[^\s<>"']+/gi
const TRAILING = '.,;:!?…'

/** Splits off web addresses. Only http and https, and a link always shows where it leads. */
export function textParts(text: string): readonly TextPart[] {
  const parts: TextPart[] = []
  let end = 0
  for (const match of text.matchAll(LINK)) {
    const shown = addressIn(match[0])
    const href = safeHref(shown)
    if (!href) continue
    if (match.index > end) parts.push({ at: end, text: text.slice(end, match.index) })
    parts.push({ at: match.index, text: shown, href })
    end = match.index + shown.length
  }
  if (end < text.length) parts.push({ at: end, text: text.slice(end) })
  return parts
}

/**
 * Without the sentence's own signs at the end; a closing bracket belongs to the sentence unless the address opened one. Looks at each
 * character once: a stranger chooses the text.
 */
function addressIn(text: string): string {
  let end = text.length
  while (end > 0 && TRAILING.includes(text.charAt(end - 1))) end--
  let surplus = 0
  for (let i = 0; i < end; i++) surplus += text[i] === ')' ? 1 : text[i] === '(' ? -1 : 0
  for (; surplus > 0 && text[end - 1] === ')'; surplus--) end--
  return text.slice(0, end)
}

function safeHref(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined
}

/** One to three emoji and nothing else: shown large. */
export const isOnlyEmoji = (text: string): boolean =>
  /^(?:\p{Extended_Pictographic}(?:\uFE0F|\u200D\p{Extended_Pictographic}|\p{Emoji_Modifier})*\s?){1,3}$/u.test(text.trim())
