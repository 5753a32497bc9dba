/** With the SDK 2.x. */
import { sdk2 } from './sdk-2.ts';
import { suite } from './suite.ts';

suite(sdk2);
