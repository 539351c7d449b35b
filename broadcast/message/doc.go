// Package message is what people will read: one message in its default language, and
// as many variants of it in other languages as somebody has written.
//
//	Message ──In("de-CH" → Pick → "de")──► the message as that person reads it
//	  ├─ Title, Body, image, Buttons           (the default)
//	  └─ Variants: de, pt-BR…                  (what they leave empty is the default's)
//
// It knows nothing of who gets it. What is wrong with it is told in sentences, each
// with the name of the field it is about.
package message
