// Package pack makes the Teams app package an admin uploads to the organisation's
// catalogue: manifest.json and two icons, at the root of a zip (protocol I).
//
//	App (what the operator configured) ─► Check: every mistake at once
//	                                   └► Make ─► manifest.json + color.png + outline.png ─► zip
//
// The same App gives the same bytes, so that whoever keeps packages under version
// control sees a change only where there is one. The IDs are those the product itself
// uses: what is installed from this package answers to this Fanfare.
package pack
