// Asks `keepsake mcp serve` with the SDK for Node: `node try_mcp_node.mjs COMMAND ARGUMENT…` in a folder that has it.
// Ends with 1 at the first thing that is not as promised.

import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const [command, ...args] = process.argv.slice(2);
const began = performance.now();
const client = new Client({ name: "node", version: "1" }, { capabilities: { elicitation: {} } });
const plans = [];
client.setRequestHandler(ElicitRequestSchema, async (request) => {
  plans.push(request.params.message);
  return { action: "accept", content: { answer: "erase" } };
});
client.onerror = (error) => assert.fail(error);
await client.connect(new StdioClientTransport({ command, args, stderr: "inherit" }));
console.log(`connected after ${Math.round(performance.now() - began)} ms, ${client.getServerVersion().name}`);

const call = async (name, given) => {
  const result = await client.callTool({ name, arguments: given });
  return { text: result.content[0].text, failed: Boolean(result.isError) };
};

const names = (await client.listTools()).tools.map((tool) => tool.name).sort();
assert.deepEqual(names, ["forget", "list_recent", "remember", "search", "show"]);

const text = "The spare key is with Ines at number 12.";
const remembered = await call("remember", { text });
const id = remembered.text.match(/mem_\w+/)[0];
const found = await call("search", { words: "Who has the spare key?" });
assert.match(found.text, /> The spare key is with Ines at number 12\./);
assert.match((await call("show", { id })).text, /by the model/);
assert.match((await call("list_recent", {})).text, new RegExp(id));
assert.deepEqual((await client.listResources()).resources, []);
assert.equal((await client.listPrompts()).prompts.length, 2);
const prompt = await client.getPrompt({ name: "answer_from_memory", arguments: { question: "Who has the key?" } });
assert.match(prompt.messages[0].content.text, /Ines/);

const erased = await call("forget", { ids: [id] });
assert.match(plans[0], /This erases 1 memory/);
assert.match(erased.text, /verified/);
const gone = await call("show", { id });
assert.equal(gone.failed, true);
assert.match(gone.text, /Nothing has the id/);

await client.close();
console.log("all as promised");
