package graphapi

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// predicate judges an object by its properties.
type predicate func(get func(name string) any) bool

func always(func(string) any) bool { return true }

// parseFilter understands the part of OData's $filter that directory clients
// use: and, or, not, eq, ne, startswith, endswith, contains, and any(x: …).
func parseFilter(text string) (predicate, error) {
	if strings.TrimSpace(text) == "" {
		return always, nil
	}
	p := &parser{list: scan(text)}
	result, err := p.or()
	if err == nil && p.peek() != "" {
		err = fmt.Errorf("unexpected '%s'", p.peek())
	}
	return result, err
}

// scan splits into words, quoted strings (kept with their quotes) and signs.
func scan(text string) []string {
	var tokens []string
	for i := 0; i < len(text); {
		switch ch := text[i]; {
		case ch == ' ':
			i++
		case ch == '\'':
			end := i + 1
			for end < len(text) && (text[end] != '\'' || end+1 < len(text) && text[end+1] == '\'') {
				if text[end] == '\'' {
					end++ // a doubled quote is a quote
				}
				end++
			}
			end = min(end+1, len(text))
			tokens = append(tokens, text[i:end])
			i = end
		case strings.IndexByte("(),:", ch) >= 0:
			tokens = append(tokens, string(ch))
			i++
		default:
			end := i
			for end < len(text) && strings.IndexByte(" '(),:", text[end]) < 0 {
				end++
			}
			tokens = append(tokens, text[i:end])
			i = end
		}
	}
	return tokens
}

type parser struct {
	list   []string
	at     int
	prefix string // the variable of a lambda, such as "x"
}

func (p *parser) peek() string {
	if p.at < len(p.list) {
		return p.list[p.at]
	}
	return ""
}

func (p *parser) next() string { t := p.peek(); p.at++; return t }

func (p *parser) expect(sign string) error {
	if t := p.next(); t != sign {
		return fmt.Errorf("expected '%s' but found '%s'", sign, t)
	}
	return nil
}

func (p *parser) or() (predicate, error) {
	left, err := p.and()
	for err == nil && p.peek() == "or" {
		p.next()
		a, b := left, predicate(nil)
		b, err = p.and()
		left = func(get func(string) any) bool { return a(get) || b(get) }
	}
	return left, err
}

func (p *parser) and() (predicate, error) {
	left, err := p.term()
	for err == nil && p.peek() == "and" {
		p.next()
		a, b := left, predicate(nil)
		b, err = p.term()
		left = func(get func(string) any) bool { return a(get) && b(get) }
	}
	return left, err
}

func (p *parser) term() (predicate, error) {
	switch word := p.next(); {
	case word == "":
		return nil, fmt.Errorf("the expression ends too early")
	case word == "not":
		inner, err := p.term()
		return func(get func(string) any) bool { return !inner(get) }, err
	case word == "(":
		inner, err := p.or()
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	case p.peek() == "(":
		p.next()
		if name, ok := cutFold(word, "/any"); ok {
			return p.any(name)
		}
		return p.function(word)
	default:
		return p.comparison(word)
	}
}

func cutFold(s, suffix string) (string, bool) {
	if len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix) {
		return s[:len(s)-len(suffix)], true
	}
	return s, false
}

func (p *parser) comparison(name string) (predicate, error) {
	operator := p.next()
	want, err := literal(p.next())
	if err != nil {
		return nil, err
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, p.prefix), "/")
	switch operator {
	case "eq":
		return func(get func(string) any) bool { return same(get(name), want) }, nil
	case "ne":
		return func(get func(string) any) bool { return !same(get(name), want) }, nil
	}
	return nil, fmt.Errorf("the operator '%s' is not supported", operator)
}

func (p *parser) function(name string) (predicate, error) {
	test := map[string]func(s, part string) bool{
		"startswith": strings.HasPrefix, "endswith": strings.HasSuffix, "contains": strings.Contains,
	}[strings.ToLower(name)]
	if test == nil {
		return nil, fmt.Errorf("the function '%s' is not supported", name)
	}
	field := p.next()
	if err := p.expect(","); err != nil {
		return nil, err
	}
	part, err := literal(p.next())
	if err != nil {
		return nil, err
	}
	text, ok := part.(string)
	if !ok {
		return nil, fmt.Errorf("'%s' needs a string", name)
	}
	return func(get func(string) any) bool {
		value, ok := get(field).(string)
		return ok && test(strings.ToLower(value), strings.ToLower(text))
	}, p.expect(")")
}

// any is name/any(x: condition on x).
func (p *parser) any(name string) (predicate, error) {
	variable := p.next()
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	outer := p.prefix
	p.prefix = variable
	inner, err := p.or()
	p.prefix = outer
	if err != nil {
		return nil, err
	}
	return func(get func(string) any) bool {
		list := reflect.ValueOf(get(name))
		for i := 0; list.Kind() == reflect.Slice && i < list.Len(); i++ {
			if inner(itemField(list.Index(i).Interface())) {
				return true
			}
		}
		return false
	}, p.expect(")")
}

func itemField(item any) func(string) any {
	return func(name string) any {
		if pl, ok := item.(plan); ok {
			return map[string]any{
				"servicePlanId": pl.ServicePlanID, "capabilityStatus": pl.CapabilityStatus, "service": pl.Service,
			}[name]
		}
		return item
	}
}

func literal(token string) (any, error) {
	switch {
	case token == "true", token == "false":
		return token == "true", nil
	case token == "null":
		return nil, nil
	case len(token) >= 2 && token[0] == '\'' && token[len(token)-1] == '\'':
		return strings.ReplaceAll(token[1:len(token)-1], "''", "'"), nil
	case token != "" && (unicode.IsDigit(rune(token[0])) || strings.Count(token, "-") == 4):
		return token, nil // a number or a bare GUID
	}
	return nil, fmt.Errorf("'%s' is not a literal", token)
}

func same(have, want any) bool {
	a, okA := have.(string)
	b, okB := want.(string)
	if okA && okB {
		return strings.EqualFold(a, b)
	}
	return have == want
}

// parseSearch understands "field:words", in quotes, joined by AND or OR; every
// word must begin a word of the property (as Graph tokenises).
func parseSearch(text string) (predicate, error) {
	if text == "" {
		return always, nil
	}
	var result predicate
	for i, part := range strings.Split(text, " OR ") {
		all := predicate(always)
		for clause := range strings.SplitSeq(part, " AND ") {
			one, err := searchClause(clause)
			if err != nil {
				return nil, err
			}
			before := all
			all = func(get func(string) any) bool { return before(get) && one(get) }
		}
		if i == 0 {
			result = all
			continue
		}
		before := result
		result = func(get func(string) any) bool { return before(get) || all(get) }
	}
	return result, nil
}

func searchClause(clause string) (predicate, error) {
	clause = strings.TrimSpace(clause)
	field, words, ok := strings.Cut(strings.Trim(clause, `"`), ":")
	if len(clause) < 2 || clause[0] != '"' || clause[len(clause)-1] != '"' || !ok {
		return nil, fmt.Errorf(`syntax error: $search must look like "displayName:text", found %s`, clause)
	}
	wanted := tokens(strings.ReplaceAll(words, `\"`, `"`))
	return func(get func(string) any) bool {
		value, _ := get(field).(string)
		have := tokens(value)
		for _, w := range wanted {
			if !anyPrefix(have, w) {
				return false
			}
		}
		return len(wanted) > 0
	}, nil
}

// tokens tokenises as a search index does.
func tokens(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func anyPrefix(have []string, prefix string) bool {
	for _, w := range have {
		if strings.HasPrefix(w, prefix) {
			return true
		}
	}
	return false
}
