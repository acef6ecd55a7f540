// The words for the three levels, the same in every panel.
import type { Level, Tool } from '../protocol';
import { t } from '../texts';
import { at } from '../time';

export function levelName(level: Level): string {
  return { local: () => t('level-local'), lan: () => t('level-lan'), internet: () => t('level-internet') }[level]();
}

/** One line on what a level means. */
export function levelMeaning(level: Level): string {
  return {
    local: () => t('level-local-means'),
    lan: () => t('level-lan-means'),
    internet: () => t('level-internet-means'),
  }[level]();
}

/** The same for a tool that is there: who gets in now. */
export function meaningNow(level: Level, tool: Tool): string {
  if (level !== 'lan') return levelMeaning(level);
  if (tool.anybody_until) return t('level-anybody-means', { time: at(tool.anybody_until) });
  return tool.plain_http === 'on' ? t('level-plain-means') : levelMeaning(level);
}

/** What the button says that brings a tool to a level. */
export function levelAct(level: Level): string {
  return { local: () => t('act-local'), lan: () => t('act-lan'), internet: () => t('act-internet') }[level]();
}

/** Time limits on offer, in seconds; null is none. */
export const limits: readonly { seconds: number | null; label: () => string }[] = [
  { seconds: 3600, label: () => t('limit-1h') },
  { seconds: 4 * 3600, label: () => t('limit-4h') },
  { seconds: 8 * 3600, label: () => t('limit-8h') },
  { seconds: null, label: () => t('limit-none') },
];

/** The same without a password: never without an end. */
export const anybodyLimits: readonly { seconds: number; label: () => string }[] = [
  { seconds: 3600, label: () => t('limit-1h') },
  { seconds: 2 * 3600, label: () => t('limit-2h') },
  { seconds: 4 * 3600, label: () => t('limit-4h') },
  { seconds: 12 * 3600, label: () => t('limit-12h') },
];

/** An evening with guests. */
export const usualAnybodyLimit = 2 * 3600;

/** A working day, as `drawbridge share` takes it. */
export const usualLimit = 8 * 3600;
