// Package frame is what every page stands on: who may come in, what each answer
// carries, how a template becomes a page or a fragment, how figures stay live, and
// the one way to say that something did not work.
//
//	request ─► Headers ─► session ─► Guard: who may? ─► Handler ─► Render
//	                                  │                   └─ error ─► Fail
//	                                  └─ nobody ─► /sign-in (a page) or 401 (a fetch)
//
// It knows no page: the door gives it the templates, the words they speak with and
// the sentences a finished use-case leaves behind.
package frame
