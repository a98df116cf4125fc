// The text editor of the mapping and manifest pages: CodeMirror 6 with YAML, as one global for plain script tags.
import { basicSetup } from "codemirror";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Prec, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, keymap, WidgetType } from "@codemirror/view";
import { tags } from "@lezer/highlight";

// CodeMirror writes its own <style>; it carries the nonce of the script tag that loaded this file.
const nonce = document.currentScript?.nonce ?? "";

// Colours are the page's own variables, so that dark and light follow the page.
const look = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--paper)", fontSize: ".8125rem", minHeight: "24rem", maxHeight: "72vh" },
  ".cm-scroller": { fontFamily: "var(--tblr-font-monospace)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--hover)", color: "var(--soft)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--tblr-primary) 6%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--tblr-primary) 22%, transparent)",
  },
  ".cm-panels": { backgroundColor: "var(--hover)", color: "var(--ink)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--grey-paper)", color: "var(--soft)", border: "0" },
});
const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--tblr-link-color)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--green)" },
  { tag: [tags.lineComment, tags.comment], color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.meta, tags.labelName, tags.typeName], color: "var(--amber)" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--soft)" },
]);

// --- complaints: a box under the line each is about, which moves with its line ---

class Box extends WidgetType {
  constructor(one) {
    super();
    this.one = one;
  }
  toDOM() {
    const box = document.createElement("div");
    box.className = `inline-complaint ${this.one.error ? "inline-error" : "inline-warning"}`;
    const code = document.createElement("strong");
    code.textContent = this.one.code;
    box.append(code, this.one.said.cloneNode(true));
    const around = document.createElement("div"); // its padding is measured with it, a margin would not be
    around.className = "inline-around";
    around.append(box);
    return around;
  }
  ignoreEvent() {
    return false;
  }
}
const told = StateEffect.define();
const complaints = StateField.define({
  create: () => Decoration.none,
  update(boxes, change) {
    boxes = boxes.map(change.changes);
    for (const effect of change.effects) if (effect.is(told)) boxes = drawn(change.state.doc, effect.value);
    return boxes;
  },
  provide: (field) => EditorView.decorations.from(field),
});
const drawn = (doc, found) =>
  Decoration.set(
    found.filter((one) => one.line <= doc.lines).flatMap((one) => {
      const line = doc.line(one.line);
      const mark = Decoration.line({ class: one.error ? "line-error" : "line-warning" });
      return [mark.range(line.from), Decoration.widget({ widget: new Box(one), block: true, side: 1 }).range(line.to)];
    }),
    true,
  );

/** Shows complaints, each `{line, col, error, code, said}` with `said` an element that is copied; replaces earlier ones. */
export function complain(view, found) {
  view.dispatch({ effects: told.of(found) });
}

/** Puts the cursor at a line and column, both from 1, and shows it. */
export function go(view, line, col) {
  const there = view.state.doc.line(Math.min(line, view.state.doc.lines));
  const at = Math.min(there.from + col - 1, there.to);
  view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
  view.focus();
}

/**
 * Replaces a <textarea> by an editor that keeps the textarea's value up to date, so that forms post as before.
 * `on`: what to do when the text has `changed`, and on Ctrl-S (`save`) and Ctrl-Enter (`check`).
 */
export function edit(textarea, on = {}) {
  const pressed = (what) => () => (what?.(), true);
  const view = new EditorView({
    doc: textarea.value,
    extensions: [
      Prec.high(keymap.of([{ key: "Mod-s", run: pressed(on.save) }, { key: "Mod-Enter", run: pressed(on.check) }])),
      basicSetup,
      yaml(),
      EditorView.lineWrapping,
      look,
      syntaxHighlighting(colours),
      complaints,
      EditorView.cspNonce.of(nonce),
      EditorView.contentAttributes.of({ "aria-label": textarea.getAttribute("aria-label") || textarea.name }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        textarea.value = update.state.doc.toString();
        on.changed?.();
      }),
    ],
  });
  textarea.hidden = true;
  textarea.after(view.dom);
  return view;
}
