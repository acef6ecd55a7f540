// The one state of the window: the engine's picture, kept live, and where the owner is looking.
import type { Problem, RecoveryCodes, UserCreated, WindowEvent } from './protocol';
import { nothingKnown, reduce, type Picture } from './reduce';
import { closedVault } from './reading';
import { asking, listen } from './transport';

export type Panel = 'overview' | 'tools' | 'people';

class WindowState {
  /** Replaced whole with every event, never changed in place. */
  picture = $state.raw<Picture>(nothingKnown);
  panel = $state<Panel>('overview');
  /** The tool the owner was led to, by id. */
  tool = $state<string | null>(null);
  /** What was refused outside the window, by the tray: shown until the owner has read it. */
  refused = $state.raw<Problem | null>(null);
  /** The tool whose QR code shall be shown, by id. */
  qr = $state<string | null>(null);
  /** Open doors named by the shell while it asks whether the window may close. */
  closing = $state<number | null>(null);
  /** A recovery code just made: shown until the owner has kept it, whatever else changes meanwhile. */
  recoveryCode = $state<string | null>(null);
  /** An account whose generated passphrase is being shown, likewise. */
  created = $state.raw<UserCreated | null>(null);
  /** Recovery codes of an account that are being shown, likewise. */
  codes = $state.raw<RecoveryCodes | null>(null);
  /** Whether a recovery code is being entered. */
  recovering = $state(false);
  /** Whether a certificate is being chosen. */
  importing = $state(false);
  /** The way through the first run: not yet decided, under way, or done with. */
  first = $state<'undecided' | 'running' | 'done'>('undecided');
  /** Whether nothing sealed can be opened now. */
  vault = $derived(closedVault(this.picture.problems));

  /** Follows the engine for as long as the window lives. */
  async follow(): Promise<void> {
    await listen((event) => this.take(event));
  }

  /** Leads the owner to a tool in the list. */
  showTool(id: string | null): void {
    this.panel = 'tools';
    this.tool = id;
  }

  private take(event: WindowEvent): void {
    if (event.event === 'show') {
      // There is no panel for settings yet; what can be set stands with the tools.
      if (event.panel) this.panel = event.panel === 'settings' ? 'tools' : event.panel;
      if (event.qr) this.qr = event.tool;
      else this.tool = event.tool;
      if (event.problem) this.refused = event.problem;
    } else if (event.event === 'closing') {
      this.closing = event.doors;
      void asking();
    } else {
      this.picture = reduce(this.picture, event);
      // Steps that were cut off are not taken up again: what they did stands in the lists.
      if (event.event === 'engine' && event.state === 'gone' && this.first === 'running') this.first = 'undecided';
      this.decideFirst();
    }
  }

  /** Who has neither tool nor user is led; where something is wrong, that comes first (a closed keyring hides users). */
  private decideFirst(): void {
    const { known, tools, users, problems } = this.picture;
    if (this.first !== 'undecided' || !known) return;
    this.first = tools.length + users.length + problems.length === 0 ? 'running' : 'done';
  }
}

export const app = new WindowState();
