import { soakWholeWorlds } from '../kit/soak.ts';

soakWholeWorlds('free-running');
