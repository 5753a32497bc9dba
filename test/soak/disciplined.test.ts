import { soakWholeWorlds } from '../kit/soak.ts';

soakWholeWorlds('disciplined');
