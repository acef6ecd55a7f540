// Points in time and spans as the owner reads them. Times of the engine are seconds since 1970.
import { bare, language } from './texts';

const clock = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short', year: 'numeric' });

/** `10:42` today, else with its date. */
export function at(seconds: number): string {
  const date = new Date(seconds * 1000);
  const today = date.toDateString() === new Date().toDateString();
  return today ? clock.format(date) : bare('date-and-time', { date: day.format(date), time: clock.format(date) });
}

/** A span of time, exact where it is short: `7 h 59 min`, `4 min 12 s`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  if (days > 0) return bare('span-days', { days, hours });
  if (hours > 0) return bare('span-hours', { hours, minutes });
  return minutes > 0 ? bare('span-minutes', { minutes, seconds: whole % 60 }) : bare('span-seconds', { seconds: whole });
}
