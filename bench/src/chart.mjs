import { ratios } from './rounds.mjs'

const COLOURS = {
  SecureChat: '#0d7a5f',
  'SecureChat, node': '#3fae8c',
  olm: '#b4632d',
  'libsignal (Baileys)': '#8468b8',
  privacyresearch: '#8a8f98',
  'ts-mls': '#c23b57',
  'matrix-sdk': '#5b7bb5',
}
const REFERENCE = 'libsignal-client'
const [LEFT, WIDTH, BAR, GAP] = [170, 560, 12, 16]
const [LOWEST, HIGHEST] = [0.01, 100]

const x = (ratio) => LEFT + (WIDTH * Math.log(Math.min(HIGHEST, Math.max(LOWEST, ratio)) / LOWEST)) / Math.log(HIGHEST / LOWEST)
const text = (at, y, words, extra = '') =>
  `<text x="${at.toFixed(1)}" y="${y.toFixed(1)}" ${extra}>${words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`

/** Bars of speed relative to libsignal-client (1), on a logarithmic scale: to the right is faster. */
export function chart(results) {
  const parts = []
  let y = 40
  for (const { micros } of results) {
    for (const [measure, all] of Object.entries(micros)) {
      if (!all[REFERENCE]) continue
      // `ratios` gives the other's time ÷ the reference's; speed is its inverse.
      const bars = Object.entries(ratios(all, REFERENCE)).filter(([name]) => name in COLOURS)
      parts.push(text(LEFT - 8, y + 10, measure, 'text-anchor="end" font-weight="600"'))
      for (const [name, { median }] of bars) {
        const speed = 1 / median
        const [from, to] = [Math.min(x(1), x(speed)), Math.max(x(1), x(speed))]
        parts.push(`<rect x="${from.toFixed(1)}" y="${y}" width="${Math.max(1, to - from).toFixed(1)}" height="${BAR - 2}" fill="${COLOURS[name]}"/>`)
        const label = `${speed >= 10 ? speed.toFixed(0) : speed.toFixed(2)} ${name}`
        parts.push(speed >= 1 ? text(to + 4, y + 9, label) : text(from - 4, y + 9, label, 'text-anchor="end"'))
        y += BAR
      }
      y += GAP
    }
  }
  const grid = [0.01, 0.1, 1, 10, 100].map(
    (value) =>
      `<line x1="${x(value)}" x2="${x(value)}" y1="26" y2="${y}" stroke="${value === 1 ? '#555' : '#ccc'}"/>${text(x(value), 18, `${value}×`, 'text-anchor="middle"')}`,
  )
  const width = LEFT + WIDTH + 190
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 10}" font-family="system-ui, sans-serif" font-size="11" role="img" aria-label="Speed relative to libsignal-client">`,
    `<rect width="${width}" height="${y + 10}" fill="#fff"/>`,
    ...grid,
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}
