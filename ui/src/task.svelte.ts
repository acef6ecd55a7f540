// One thing the owner asked for: whether it is under way, and why it was refused. A button shows the one, the place
// beside it the other.
import { sentence } from './plain';
import type { Problem } from './protocol';
import { asProblem } from './transport';

export class Task {
  busy = $state(false);
  problem = $state.raw<Problem | null>(null);
  /** The refusal as the window says it, or nothing. */
  refusal = $derived(this.problem ? sentence(this.problem.message ?? this.problem.detail) : '');

  /** Does `work` unless it is being done already. What follows success belongs at its end. */
  async run(work: () => Promise<unknown>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.problem = null;
    try {
      await work();
    } catch (caught) {
      this.problem = asProblem(caught);
    } finally {
      this.busy = false;
    }
  }
}
