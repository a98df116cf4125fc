// The text editor of the mapping and manifest pages: CodeMirror 6 with YAML, as one global for plain script tags.
import { basicSetup, EditorView } from "codemirror";
import { yaml } from "@codemirror/lang-yaml";

// CodeMirror writes its own <style>; it carries the nonce of the script tag that loaded this file.
const nonce = document.currentScript?.nonce ?? "";

/** Replaces a <textarea> by an editor that keeps the textarea's value up to date, so that forms post as before. */
export function edit(textarea) {
  const view = new EditorView({
    doc: textarea.value,
    extensions: [
      basicSetup,
      yaml(),
      EditorView.lineWrapping,
      EditorView.cspNonce.of(nonce),
      EditorView.contentAttributes.of({ "aria-label": textarea.getAttribute("aria-label") || textarea.name }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) textarea.value = update.state.doc.toString();
      }),
    ],
  });
  textarea.hidden = true;
  textarea.after(view.dom);
  return view;
}
