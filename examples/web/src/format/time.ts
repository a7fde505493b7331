const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' })
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long' })
const shortDate = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'numeric', year: '2-digit' })
const dayAndMonth = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
const fullDate = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' })
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })

const capital = (text: string): string => text.charAt(0).toLocaleUpperCase() + text.slice(1)

/** Calendar days from `time` to `now` in the local time zone; negative for the future. */
export function daysBefore(time: number, now: number): number {
  const midnight = (t: number): number => {
    const date = new Date(t)
    return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate())
  }
  return Math.round((midnight(now) - midnight(time)) / 86_400_000)
}

export const timeOfDay = (time: number): string => clock.format(time)

/** For a row of the chat list: the time today, then the day, then the date. */
export function rowTime(time: number, now: number): string {
  const days = daysBefore(time, now)
  if (days <= 0) return timeOfDay(time)
  if (days === 1) return capital(relative.format(-1, 'day'))
  return days < 7 ? weekday.format(time) : shortDate.format(time)
}

/** Between the messages of two days. */
export function dayLabel(time: number, now: number): string {
  const days = daysBefore(time, now)
  if (days === 0 || days === 1) return capital(relative.format(-days, 'day'))
  if (days > 1 && days < 7) return weekday.format(time)
  return new Date(time).getFullYear() === new Date(now).getFullYear() ? dayAndMonth.format(time) : fullDate.format(time)
}

/** "0:42" */
export function countdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** "42 seconds" */
export function seconds(milliseconds: number): string {
  const whole = Math.max(1, Math.ceil(milliseconds / 1000))
  if (whole >= 100) return `${Math.round(whole / 60)} minutes`
  return whole === 1 ? '1 second' : `${whole} seconds`
}
