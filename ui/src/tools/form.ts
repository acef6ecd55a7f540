// Where a refusal about a tool belongs in its form. Only the place is chosen here; the engine's sentence stands as
// it is, and one that fits no field stands beneath all of them.
import type { Problem, Tool } from '../protocol';
import { asProblem } from '../transport';

export type ToolField = 'name' | 'target' | 'identity' | 'origins' | 'form';

/** The field `problem` is about: refusals quote what they refuse. */
export function fieldOf(problem: Problem, name: string): ToolField {
  if (problem.type === 'conflict' || problem.detail.startsWith(`\`${name}\` is no name`)) return 'name';
  if (problem.type === 'refused') return 'target';
  if (problem.detail.includes('who signed in')) return 'identity';
  if (/is no origin;|more than \d+ origins/.test(problem.detail)) return 'origins';
  return problem.type === 'invalid' && !/^port /.test(problem.detail) ? 'target' : 'form';
}

/** Whether the engine refused an address only because it is on another machine, and says how to mean it. */
export function wantsNetworkTarget(caught: unknown): boolean {
  return asProblem(caught).detail.includes('--allow-network-target');
}

/** The port of a tool's door, as text for a field; empty where it has none. */
export function portOf(tool: Tool, level: 'lan' | 'internet'): string {
  const door = tool.doors.find((it) => it.level === level);
  return door?.url.match(/:(\d+)\/?$/)?.[1] ?? '';
}
