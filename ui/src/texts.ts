// Every sentence of the window, looked up by its id in `locales/LANGUAGE/window.ftl`. Values inside a sentence are
// isolated, so that a name's direction cannot turn the words around it.
import { FluentBundle, FluentResource } from '@fluent/bundle';
import source from '../../locales/en/window.ftl?raw';
import { plain } from './plain';

export const language = 'en';

type Values = Record<string, string | number>;

const shown = bundle(true);
/** Without isolating characters, which would become part of what is pasted. */
const copied = bundle(false);

/** The sentence `id` with its values; values from strangers are made plain. */
export function t(id: string, values: Values = {}): string {
  const safe = Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? plain(value) : value]);
  return format(shown, id, Object.fromEntries(safe) as Values);
}

/** The same without isolation, its values as they are: to be copied, or to stand in another sentence. */
export function bare(id: string, values: Values): string {
  return format(copied, id, values);
}

function format(from: FluentBundle, id: string, values: Values): string {
  const pattern = from.getMessage(id)?.value;
  return pattern ? from.formatPattern(pattern, values, []) : id;
}

function bundle(useIsolating: boolean): FluentBundle {
  const made = new FluentBundle(language, { useIsolating });
  made.addResource(new FluentResource(source));
  return made;
}
