// Package web is the door people knock at: server-rendered pages to write,
// review, send and follow announcements, to roll the bot out, and to manage keys.
//
//	request ─► frame: who may? ─► handler here, or in admin ─► Service ─► frame: page
//
// What every page stands on is web/frame; the admin's pages are web/admin; the
// announcements and the sign-in are here, with all templates.
// Every route stands in the table of routes.go with who may use it; a route that
// names nobody lets nobody in. A handler is five beats: read the form, say what
// is wrong and keep their words, one use-case, one way to fail, go on.
//
// The pages work without JavaScript. With it they gain the live preview, autosave,
// dialogs and progress; the modules under static/js fetch fragments rendered by
// the same templates, so that nothing is worded twice. The card in a preview is
// the very card the server will send, drawn by Microsoft's own renderer.
package web
