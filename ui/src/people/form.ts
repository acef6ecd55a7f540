// Where a refusal about a person belongs in the form. Only the place is chosen; the sentence is the engine's.
import type { Problem } from '../protocol';

export type PersonField = 'name' | 'password' | 'form';

export function personFieldOf(problem: Problem, password: string | null): PersonField {
  if (problem.type === 'conflict') return 'name';
  if (problem.type !== 'invalid') return 'form';
  return password !== null && /\bpassword\b/.test(problem.detail) ? 'password' : 'name';
}
