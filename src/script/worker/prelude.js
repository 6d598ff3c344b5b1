// Evaluated before a script in its fresh runtime; everything it needs later is taken here, so that
// nothing a script does to the builtins reaches it. Gives the functions that the worker calls.
(function (limits) {
  'use strict';
  const { stringify } = JSON;
  const text = String;
  const Wrong = TypeError;
  const method = (f) => Function.prototype.call.bind(f);
  const slice = method(String.prototype.slice);
  const wellFormed = method(String.prototype.toWellFormed);

  // Shared memory and waiting on it, clocks: nothing a script needs to compute.
  for (const name of ['Atomics', 'SharedArrayBuffer', 'performance', 'navigator', 'gc']) {
    delete globalThis[name];
  }

  const plain = (key, value) => (typeof value === 'bigint' ? text(value) : value);

  const show = (value) => {
    switch (typeof value) {
      case 'string': return slice(value, 0, limits.line);
      case 'object': break;
      case 'symbol': return 'a symbol';
      case 'function': return 'a function';
      default: return text(value);
    }
    if (value === null) return 'null';
    try {
      if (typeof value.stack === 'string' && typeof value.message === 'string') {
        return slice(text(value.name), 0, 100) + ': ' + slice(value.message, 0, limits.line);
      }
      return slice(text(stringify(value, plain)), 0, limits.line);
    } catch {
      return 'an object';
    }
  };

  let written = '', lines = 0, dropped = 0;
  const write = (...values) => {
    if (lines >= limits.lines || written.length >= limits.console) {
      dropped += 1;
      return;
    }
    let line = '';
    for (let i = 0; i < values.length && line.length < limits.line; i += 1) {
      line += (i ? ' ' : '') + show(values[i]);
    }
    lines += 1;
    written += slice(line, 0, limits.line) + '\n';
  };
  const console = {};
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace']) console[name] = write;

  const replace = (key, value) => {
    switch (typeof value) {
      case 'bigint': return text(value);
      case 'function':
      case 'symbol':
        throw new Wrong('the result contains a ' + typeof value + (key === '' ? '' : ' at ' + slice(key, 0, 100)));
      default: return value;
    }
  };
  const seal = (value) => {
    const json = stringify(value, replace);
    if (json === undefined) return 'null';
    if (json.length > limits.result) {
      throw new Wrong('the result has ' + json.length + ' characters of JSON, at most ' + limits.result + ' are allowed');
    }
    return json;
  };

  const describe = (thrown) => {
    const told = { __proto__: null, name: null, message: null, stack: null };
    if (typeof thrown !== 'object' || thrown === null) {
      told.message = 'the script threw ' + show(thrown);
    } else {
      try {
        const { name, message, stack } = thrown;
        if (typeof name === 'string') told.name = slice(name, 0, 100);
        if (typeof message === 'string') told.message = slice(message, 0, limits.message);
        if (typeof stack === 'string') told.stack = slice(stack, 0, 200);
      } catch { /* a getter threw: what is known stays */ }
      if (told.message === null) told.message = 'the script threw ' + show(thrown);
    }
    return stringify(told);
  };

  return {
    console,
    seal,
    describe,
    truthy: (value) => !!value,
    written: () => wellFormed(written + (dropped ? '(' + dropped + ' more lines)' : '')),
  };
})
