/** The words of the library, as a newcomer reads them. */
import type { Column, Frame, Happening, SourceFrame } from '../wire.ts';
import { duration } from './format.ts';

export interface Saying {
  readonly word: string;
  readonly hint: string;
}

/** The states of the clock. The mark differs in shape, so that colour is not needed. */
export const STATUSES: Readonly<Record<string, Saying & { readonly mark: string }>> = {
  synchronized: {
    mark: '✓',
    word: 'Synchronized',
    hint: 'The time sources agree, and one was heard a moment ago.',
  },
  holdover: {
    mark: '◔',
    word: 'Holding over',
    hint: 'No source was heard lately. The interval still holds the true time, and grows.',
  },
  unsynchronized: { mark: '✕', word: 'No time', hint: '' },
  disrupted: { mark: '↯', word: 'Disrupted', hint: '' },
};

/** Why what the page shows is not what is now. */
export type Standstill = 'hidden' | 'connecting' | 'lost' | 'paused';

export const STANDSTILLS: Readonly<
  Record<Standstill, { readonly mark: string; readonly word: string }>
> = {
  hidden: { mark: '‖', word: 'Paused' },
  connecting: { mark: '…', word: 'Connecting' },
  lost: { mark: '?', word: 'Connection lost' },
  paused: { mark: '‖', word: 'Paused' },
};

/** The title of the tab: the bound or the status as it is now or, while that is not known, why. */
export function titleOf(known: Pick<Frame, 'status' | 'row'> | Standstill | undefined): string {
  if (known === undefined) return 'epsilon-clock';
  if (typeof known === 'string') return `${STANDSTILLS[known].word} · epsilon-clock`;
  const { status, row } = known;
  const { uncertaintyNs } = row;
  const bound = uncertaintyNs === null ? undefined : `± ${duration(uncertaintyNs, 'up')}`;
  return `${bound ?? STATUSES[status]?.word ?? status} · epsilon-clock`;
}

/** The reasons for being without an interval. */
export const REASONS: Readonly<Record<string, string>> = {
  starting: 'Waiting for the first answers.',
  'too-few-sources': 'Too few time sources answer.',
  'no-agreement': 'The time sources do not agree with one another.',
  contradiction: 'What the sources say contradicts what they said before.',
  expired: 'No source was heard for too long.',
  'leap-second': 'A leap second is near, and the sources differ about it.',
  stopped: 'The clock was stopped.',
  step: 'The clock of this machine was set while it ran. All that was known is void; the sources are asked again.',
  suspend: 'This machine was asleep. All that was known is void; the sources are asked again.',
  'step-or-suspend':
    'The clock of this machine jumped. All that was known is void; the sources are asked again.',
  'vm-disruption':
    'This virtual machine was moved to another host, or restored. All that was known is void; the sources are asked again.',
  witness: 'A witness proves that what the sources agree on is not the time.',
};

/** What each assumption says. The guarantees have them in full. */
export const ASSUMPTIONS: Readonly<Record<string, string>> = {
  A0: 'few enough sources are wrong',
  A1: 'the clock of this machine drifts no more than was said',
  'A0-or-A1': 'few enough sources are wrong, or the clock drifts no more than was said',
  A2: 'the drift of the clock is steady',
  A3: 'the clocks of this machine do not jump',
};

/** What the clock makes of a source. */
export const VERDICTS: Readonly<Record<string, Saying & { readonly mark: string }>> = {
  agrees: { mark: '✓', word: 'agrees', hint: 'its interval overlaps that of the clock' },
  falseticker: {
    mark: '✗',
    word: 'wrong',
    hint: 'a falseticker: it excludes the time that the others agree on, and is outvoted',
  },
  contradicts: { mark: '✗', word: 'contradicts', hint: 'it excludes what the sources agree on' },
  suspect: { mark: '?', word: 'in doubt', hint: 'it agreed until now; the others are being asked' },
  silent: { mark: '–', word: 'silent', hint: 'nothing came in its last three polls' },
  refused: { mark: '!', word: 'refused', hint: 'it answers, but its replies break a rule' },
  undecided: { mark: '…', word: 'undecided', hint: 'heard, but there is nothing to compare with' },
  pending: { mark: '…', word: 'not heard yet', hint: 'its first answer is awaited' },
};

/** What the uncertainty is made of, from the bottom of the picture up. */
export const PARTS: readonly (Saying & { readonly column: Column })[] = [
  {
    column: 'serverErrorNs',
    word: 'Server error',
    hint: 'how wrong the time servers say they may be',
  },
  {
    column: 'pathDelayNs',
    word: 'Path delay',
    hint: 'half the round trip: a reply does not say which way was slow',
  },
  {
    column: 'driftNs',
    word: 'Drift',
    hint: 'what this machine may have drifted since it last heard them',
  },
  { column: 'gridNs', word: 'Resolution', hint: 'the steps of the clock that is read' },
  {
    column: 'wallGuardNs',
    word: 'Wall clock',
    hint: "this machine's own clock is included, in case something adjusts it",
  },
  { column: 'suspicionNs', word: 'Suspicion', hint: 'a source has just begun to disagree' },
  {
    column: 'agreementNs',
    word: 'Agreement',
    hint: 'what several sources together add or, below zero, take away',
  },
];

/** A change, in a sentence. */
export function sentenceOf({ event }: Pick<Happening, 'event'>): string {
  const { type, status, reason, assumption, sourceId, present, inMs, message, because } = event;
  switch (type) {
    case 'status': {
      const said = STATUSES[String(status)]?.word ?? String(status);
      return reason === undefined ? `${said}.` : `${said}. ${REASONS[String(reason)] ?? reason}`;
    }
    case 'refuted':
      return `Refuted: assumption ${assumption}, ${ASSUMPTIONS[String(assumption)] ?? 'unknown'}.`;
    case 'falseticker':
      return present === true
        ? `${shortName(String(sourceId))} is wrong: it excludes what the others agree on.`
        : `${shortName(String(sourceId))} is no longer wrong.`;
    case 'widening':
      return typeof inMs === 'number'
        ? `Without news, the interval will be too wide in ${duration(inMs * 1e6)}.`
        : 'The interval is no longer about to become too wide.';
    case 'profile':
      return `Something may adjust this machine's clock: ${[because].flat().join('; ')}.`;
    case 'misuse':
      return `Misuse: ${message}`;
    default:
      return type;
  }
}

/** Whether a change is marked in the pictures: what was known became void, or an assumption did. */
export const isGrave = ({ event: { type, status } }: Pick<Happening, 'event'>): boolean =>
  type === 'refuted' || type === 'misuse' || (type === 'status' && status === 'disrupted');

/** `ntp://127.0.0.1:123` is `127.0.0.1`. */
export const shortName = (id: string): string =>
  id.replace(/^ntp:\/\//, '').replace(/^(\[.*\]|[^:]*):123$/, '$1');

/** The address of a source, and the name it is configured under where that differs. */
export function labelOf({ id, name }: Pick<SourceFrame, 'id' | 'name'>): string {
  const [address, configured] = [shortName(id), shortName(name)];
  return address === configured ? address : `${configured} (${address})`;
}
