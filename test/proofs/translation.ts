/**
 * Expressions of the source as terms of SMT-LIB, over the real numbers.
 *
 * What rounds becomes a new variable and what is known of it. So `x >> 10n` is some `q` with
 * `1024 q <= x < 1024 (q + 1)`. That `q` is whole is left out but for its sign: what is proven for
 * every real `q` holds for the whole ones. A value that goes into an int64 (`asIntN(64, x)`, a
 * slot) stands for itself, and that it fits is noted as something to prove.
 *
 * Only what the arithmetic of the page uses is translated. Everything else is an error, so a proof
 * that goes through is about the code as it is.
 */
import ts from 'typescript';

/** Names in the source, and the terms that they stand for. */
export type Meaning = Readonly<Record<string, string>>;

export class Translation {
  /** What is known. */
  readonly known: string[] = [];
  /** What must hold for the terms to mean what the code computes: values that fit into int64. */
  readonly owed: string[] = [];
  readonly variables: string[] = [];
  readonly #sources: readonly SourceText[];

  constructor(sources: readonly SourceText[]) {
    this.#sources = sources;
  }

  variable(name: string, ...known: string[]): string {
    const unique = `${name}_${this.variables.length}`;
    this.variables.push(unique);
    this.known.push(...known.map((each) => each.replaceAll('@', unique)));
    return unique;
  }

  /** A function of the source that is a single `return`, applied to terms. */
  call(name: string, ...args: readonly string[]): string {
    const { parameters, body } = this.#functionNamed(name);
    const [returned] = body?.statements ?? [];
    if (body?.statements.length !== 1 || !ts.isReturnStatement(returned!)) {
      throw new Error(`${name} is more than a return`);
    }
    const meaning: Record<string, string> = {};
    parameters.forEach((parameter, i) => {
      const given = args[i];
      if (given !== undefined) meaning[parameter.name.getText()] = given;
    });
    return this.term(returned.expression!, meaning);
  }

  /** What the method or function `name` assigns to `target`, the first time or the `nth`. */
  assigned(name: string, target: string, nth = 0): ts.Expression {
    const found: ts.Expression[] = [];
    const visit = (node: ts.Node): void => {
      const isAssignment =
        ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken;
      if (isAssignment && node.left.getText() === target) found.push(node.right);
      if (ts.isVariableDeclaration(node) && node.name.getText() === target) {
        if (node.initializer) found.push(node.initializer);
      }
      if (ts.isPropertyAssignment(node) && node.name.getText() === target) {
        found.push(node.initializer);
      }
      ts.forEachChild(node, visit);
    };
    visit(this.#functionNamed(name));
    const wanted = found[nth];
    if (wanted === undefined) throw new Error(`${name} assigns nothing to ${target}`);
    return wanted;
  }

  /** {@link assigned} as a term. */
  assignedTerm(name: string, target: string, meaning: Meaning): string {
    return this.term(this.assigned(name, target), meaning);
  }

  term(node: ts.Expression, meaning: Meaning): string {
    const text = node.getText();
    if (meaning[text] !== undefined) return meaning[text];
    const inner = (each: ts.Expression): string => this.term(each, meaning);
    if (ts.isParenthesizedExpression(node) || ts.isNonNullExpression(node)) {
      return inner(node.expression);
    }
    if (ts.isNumericLiteral(node)) return decimal(node.text);
    if (ts.isBigIntLiteral(node)) return decimal(node.text.slice(0, -1));
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) {
      return `(- ${inner(node.operand)})`;
    }
    if (ts.isIdentifier(node)) return this.term(this.constant(text), {});
    if (ts.isBinaryExpression(node)) return this.#binary(node, inner);
    if (ts.isConditionalExpression(node)) {
      return `(ite ${inner(node.condition)} ${inner(node.whenTrue)} ${inner(node.whenFalse)})`;
    }
    if (ts.isCallExpression(node)) return this.#called(node, inner);
    throw new Error(`not translated: ${text}`);
  }

  #binary(node: ts.BinaryExpression, inner: (each: ts.Expression) => string): string {
    const operator = node.operatorToken.getText();
    const [left, right] = [node.left, node.right];
    switch (operator) {
      case '+':
      case '-':
        return `(${operator} ${inner(left)} ${inner(right)})`;
      case '*': {
        const factors = [inner(left), inner(right)];
        return factors.includes('0.0') ? '0.0' : `(* ${factors.join(' ')})`;
      }
      case '===':
        return `(= ${inner(left)} ${inner(right)})`;
      case '>':
      case '<':
        return `(${operator} ${inner(left)} ${inner(right)})`;
      case '**':
        return power(whole(left) ** whole(right));
      case '<<':
        return `(* ${inner(left)} ${power(2n ** whole(right))})`;
      case '>>':
        return this.#floorOf(inner(left), power(2n ** whole(right)));
      case '/':
        // Of bigints, none of which is negative here.
        return this.#floorOf(inner(left), inner(right));
      default:
        throw new Error(`not translated: ${node.getText()}`);
    }
  }

  #called(node: ts.CallExpression, inner: (each: ts.Expression) => string): string {
    const args = node.arguments;
    switch (node.expression.getText()) {
      case 'BigInt':
        return inner(args[0]!);
      case 'Math.ceil':
        return this.#rounded('ceil', inner(args[0]!), (x) => [
          `(>= @ ${x})`,
          `(< @ (+ ${x} 1.0))`,
          // As a whole number.
          `(ite (> ${x} 0.0) (>= @ 1.0) (<= @ 0.0))`,
        ]);
      case 'Math.floor':
        return this.#floorOf(inner(args[0]!), '1.0');
      case 'Math.max': {
        const [a, b] = [inner(args[0]!), inner(args[1]!)];
        return `(ite (>= ${a} ${b}) ${a} ${b})`;
      }
      case 'Math.abs': {
        const a = inner(args[0]!);
        return `(ite (>= ${a} 0.0) ${a} (- ${a}))`;
      }
      case 'asIntN': {
        const value = inner(args[1]!);
        this.owed.push(fitsInt64(value));
        return value;
      }
      default:
        return this.call(node.expression.getText(), ...args.map(inner));
    }
  }

  #floorOf(value: string, by: string): string {
    if (value === '0.0') return value; // otherwise any real from -1 to 0
    return this.#rounded('floor', value, (x) => [
      `(<= (* ${by} @) ${x})`,
      `(< ${x} (* ${by} (+ @ 1.0)))`,
      // As a whole number.
      `(ite (>= ${x} 0.0) (>= @ 0.0) (<= @ (- 1.0)))`,
    ]);
  }

  #rounded(name: string, value: string, known: (value: string) => string[]): string {
    // The value gets a name, because it is used twice.
    const named = this.variable('value', `(= @ ${value})`);
    return this.variable(name, ...known(named));
  }

  /** A constant of the source. */
  constant(name: string): ts.Expression {
    for (const { tree } of this.#sources) {
      for (const statement of tree.statements) {
        if (!ts.isVariableStatement(statement)) continue;
        for (const each of statement.declarationList.declarations) {
          if (each.name.getText() === name) return each.initializer!;
        }
      }
    }
    throw new Error(`there is no constant ${name}`);
  }

  #functionNamed(name: string): ts.FunctionDeclaration | ts.MethodDeclaration {
    let found: ts.FunctionDeclaration | ts.MethodDeclaration | undefined;
    const visit = (node: ts.Node): void => {
      if (
        (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) &&
        node.name?.getText() === name
      ) {
        found ??= node;
      }
      ts.forEachChild(node, visit);
    };
    for (const { tree } of this.#sources) visit(tree);
    if (found === undefined) throw new Error(`there is no function ${name}`);
    return found;
  }
}

/** A file of the source, which a planted fault may have changed. */
export class SourceText {
  readonly tree: ts.SourceFile;

  constructor(file: string, text: string) {
    this.tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  }
}

export function fitsInt64(value: string): string {
  return `(and (>= ${value} (- ${power(2n ** 63n)})) (< ${value} ${power(2n ** 63n)}))`;
}

export function power(value: bigint): string {
  return `${value}.0`;
}

function decimal(text: string): string {
  const plain = text.replaceAll('_', '');
  return plain.includes('.') ? plain : `${plain}.0`;
}

function whole(node: ts.Expression): bigint {
  const text = node.getText().replaceAll('_', '');
  if (!/^\d+n?$/.test(text)) throw new Error(`not a whole literal: ${text}`);
  return BigInt(text.replace('n', ''));
}
