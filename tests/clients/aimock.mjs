// An OpenAI-compatible endpoint of others (@copilotkit/aimock) for the tests. One JSON object a line:
//   in:  {fixtures: [{match, response, chunkSize?, latency?}, …]}   answers, in its own form
//        {}                                                        what was it asked?
//   out: {what:"ready", url}  {what:"fixtures"}  {what:"asked", bodies}
import { createInterface } from 'node:readline';
import { LLMock } from '@copilotkit/aimock';

const out = (o) => process.stdout.write(JSON.stringify(o) + '\n');
const mock = new LLMock({ port: 0, logLevel: 'silent' });
await mock.start();
out({ what: 'ready', url: mock.url });
createInterface({ input: process.stdin }).on('line', (line) => {
  const { fixtures } = JSON.parse(line);
  if (fixtures) {
    mock.addFixturesFromJSON(fixtures);
    out({ what: 'fixtures' });
  } else {
    out({ what: 'asked', bodies: mock.getRequests().map((entry) => entry.body) });
  }
}).on('close', () => process.exit(0));
