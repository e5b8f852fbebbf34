package jsonpath_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/jsonpath"
)

// document is the store of Goessner's article, which every implementation is
// compared by, and what webhooks tend to answer.
const document = `{
  "store": {
    "book": [
      {"category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95},
      {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99},
      {"category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553-21311-3", "price": 8.99},
      {"category": "fiction", "author": "J. R. R. Tolkien", "title": "The Lord of the Rings", "isbn": "0-395-19395-8", "price": 22.99}
    ],
    "bicycle": {"color": "red", "price": 19.95}
  },
  "expensive": 10,
  "status": "RUNNING", "percent": 42, "done": false, "nothing": null,
  "build status": {"it's": 1}, "id": "7", "numbers": [1, 2, 3, 4], "words": ["a", "b"],
  "big": 9007199254740993, "empty": [], "step-1": {"ok": true}, "matrix": [[1, 2], [3]]
}`

func read(t *testing.T, path string) (any, error) {
	t.Helper()
	v, err := pipeline.DecodeValue([]byte(document))
	require.NoError(t, err)
	return jsonpath.Read(v, path)
}

func TestRead(t *testing.T) {
	t.Parallel()
	const authors = `["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"]`
	for path, want := range map[string]string{
		`$.status`:                        `"RUNNING"`,
		`status`:                          `"RUNNING"`,
		` $.status `:                      `"RUNNING"`,
		`$.percent`:                       `42`,
		`$.done`:                          `false`,
		`$.nothing`:                       `null`,
		`$['status']`:                     `"RUNNING"`,
		`$["status"]`:                     `"RUNNING"`,
		`$.['status']`:                    `"RUNNING"`,
		`$['build status']['it\'s']`:      `1`,
		`$['build status']["it's"]`:       `1`,
		`$['\u0073tatus']`:                `"RUNNING"`,
		`$.step-1.ok`:                     `true`,
		`$.big`:                           `9007199254740993`,
		`$['id','percent','absent']`:      `{"id":"7","percent":42}`,
		`$.store['book','bicycle'].price`: `[19.95]`,
		`$.numbers[0]`:                    `1`,
		`$.numbers[-1]`:                   `4`,
		`$.numbers[ 1 , 2 ]`:              `[2,3]`,
		`$.numbers[0,9]`:                  `[1]`,
		`$.numbers[1:]`:                   `[2,3,4]`,
		`$.numbers[:2]`:                   `[1,2]`,
		`$.numbers[1:3]`:                  `[2,3]`,
		`$.numbers[-2:]`:                  `[3,4]`,
		`$.numbers[:-1]`:                  `[1,2,3]`,
		`$.numbers[3:1]`:                  `[]`,
		`$.numbers[0:99]`:                 `[1,2,3,4]`,
		`$.matrix[0][1]`:                  `2`,
		`$.matrix[*][0]`:                  `[1,3]`,
		`$.empty[*]`:                      `[]`,
		`$.words.*`:                       `["a","b"]`,
		`$.store.bicycle.*`:               `["red",19.95]`,
		`$.store.book[*].author`:          authors,
		`$..author`:                       authors,
		`$..book[2].title`:                `["Moby Dick"]`,
		`$..book[-1:].title`:              `["The Lord of the Rings"]`,
		`$..book[0,1].price`:              `[8.95,12.99]`,
		`$..absent`:                       `[]`,
		`$.store..price`:                  `[19.95,8.95,12.99,8.99,22.99]`,
		`$.store.book[*].isbn`:            `["0-553-21311-3","0-395-19395-8"]`,
		`$.store.bicycle..*`:              `["red",19.95]`,

		`$.store.book[?(@.isbn)].title`:                                    `["Moby Dick","The Lord of the Rings"]`,
		`$.store.book[?(!@.isbn)].price`:                                   `[8.95,12.99]`,
		`$.store.book[?(@.price < 10)].title`:                              `["Sayings of the Century","Moby Dick"]`,
		`$..book[?(@.price<=8.95)].author`:                                 `["Nigel Rees"]`,
		`$..book[?(@.price > $['expensive'])].author`:                      `["Evelyn Waugh","J. R. R. Tolkien"]`,
		`$.store.book[?(@.price >= 12.99 && @.isbn)].price`:                `[22.99]`,
		`$.store.book[?(@.price > 20 || @.category == 'reference')].price`: `[8.95,22.99]`,
		`$.store.book[?((@.price > 20 || @.price < 9) && @.isbn)].price`:   `[8.99,22.99]`,
		`$.store.book[?(@.author =~ /.*REES/i)].price`:                     `[8.95]`,
		`$.store.book[?(@.author =~ /Rees/)].price`:                        `[]`,
		`$.store.book[?(@.category in ['reference','x'])].price`:           `[8.95]`,
		`$.store.book[?(@.category nin ["fiction"])].price`:                `[8.95]`,
		`$.store.book[?(@.title contains 'Lord')].price`:                   `[22.99]`,
		`$.store.book[?(@.category != 'fiction')].price`:                   `[8.95]`,
		`$.store.book[?(@.isbn != 'x')].price`:                             `[8.95,12.99,8.99,22.99]`,
		`$.store.book[?(@.title size 9)].price`:                            `[8.99]`,
		`$[?(@.color)]`:                                                    `[]`,
		`$..[?(@.color)].price`:                                            `[19.95]`,
		`$.store.bicycle[?(@.color == 'red')].price`:                       `[19.95]`,
		`$[?(@.id == 7)].status`:                                           `["RUNNING"]`,
		`$[?(@.numbers anyof [9, 4])].id`:                                  `["7"]`,
		`$[?(@.numbers noneof [9, 4])].id`:                                 `[]`,
		`$[?(@.words subsetof ['a','b','c'])].id`:                          `["7"]`,
		`$[?(@.empty empty true)].id`:                                      `["7"]`,
		`$[?(@.words empty false)].id`:                                     `["7"]`,
		`$[?(@.words contains 'a')].id`:                                    `["7"]`,
		`$[?(@.nothing == null)].id`:                                       `["7"]`,
		`$[?(@.done == false)].id`:                                         `["7"]`,
		`$[?(@.words == ['a','b'])].id`:                                    `["7"]`,
		`$[?(@.absent == null)].id`:                                        `[]`,
		`$[?(@.big > 9007199254740992)].id`:                                `["7"]`,
		`$[?(@.numbers.length() == 4)].id`:                                 `["7"]`,
		`$[?(@.status < 'S')].id`:                                          `["7"]`,

		`$.numbers.length()`:                        `4`,
		`$.status.length()`:                         `7`,
		`$.store.size()`:                            `2`,
		`$..author.length()`:                        `4`,
		`length($.numbers)`:                         `4`,
		`$.store.keys()`:                            `["bicycle","book"]`,
		`$.numbers.sum()`:                           `10.0`,
		`$.numbers.avg()`:                           `2.5`,
		`$.numbers.min()`:                           `1.0`,
		`$..price.max()`:                            `22.99`,
		`$.sum($.numbers, 5)`:                       `15.0`,
		`$.matrix[0].stddev()`:                      `0.5`,
		`$.numbers.first()`:                         `1`,
		`$.numbers.last()`:                          `4`,
		`$.numbers.index(-2)`:                       `3`,
		`$.words.append('c')`:                       `["a","b","c"]`,
		`$.words.concat()`:                          `"ab"`,
		`concat("https://ci.example/api/", $.id)`:   `"https://ci.example/api/7"`,
		`$.concat('n', $.percent, $.words, $.done)`: `"n42abfalse"`,
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			got, err := read(t, path)
			require.NoError(t, err)
			text, err := pipeline.EncodeValue(got)
			require.NoError(t, err)
			require.Equal(t, want, string(text))
		})
	}
	whole, err := read(t, "$")
	require.NoError(t, err)
	require.Contains(t, whole, "store")
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		`$.absent`, `$.doesnt.exist`, `$.status.more`, `$.nothing.more`, `$.numbers[4]`, `$.numbers[-5]`, `$.numbers.name`,
		`$.status[0]`, `$.absent[*]`, `$.absent..x`, `$.status[?(@.a)]`, `concat('a', $.absent)`, `$.absent.length()`,
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			_, err := read(t, path)
			require.ErrorIs(t, err, jsonpath.ErrNotFound)
			require.Equal(t, pipeline.CodeNotFound, pipeline.CodeOf(err))
			require.Contains(t, pipeline.MessageOf(err), path)
		})
	}
}

func TestPathsThatAreNotValid(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		``:                     "is empty",
		`  `:                   "is empty",
		`$.`:                   "a name is missing",
		`$..`:                  "followed by nothing",
		`$.a b`:                "something after its end",
		`$.a[`:                 "holds neither",
		`$.a[x]`:               "holds neither",
		`$.a['x`:               "quote is not closed",
		`$.a['x'`:              "bracket is not closed",
		`$.a['x',]`:            "name in quotes is missing",
		`$.a['\u12']`:          "four digits",
		`$.a['\u12xy']`:        "four digits",
		`$.a['x\`:              "quote is not closed",
		`$.a[1`:                "bracket is not closed",
		`$.a[:]x`:              "something after its end",
		`$.a[-]`:               "is no index",
		`$.a[1,]`:              "number is missing",
		`$.a[1:2:3]`:           "no step",
		`$.a[99999999999]`:     "is no index",
		`$.a[?@.b]`:            "written [?(…)]",
		`$.a[?(@.b`:            "not closed",
		`$.a[?(@.b == )]`:      "value is missing",
		`$.a[?(@.b == tru)]`:   "value is missing",
		`$.a[?(@.b == 1-2)]`:   "is no number",
		`$.a[?(@.b == [1 2])]`: "list is not closed",
		`$.a[?(@.b =~ 'x')]`:   "between slashes",
		`$.a[?(@.b =~ /x)]`:    "pattern is not closed",
		`$.a[?(@.b =~ /(/)]`:   "pattern is not valid",
		`$.a[?((@.b)]`:         "not closed",
		`$.shout()`:            "does not exist",
		`$.length(x`:           "value is missing",
		`$.concat('a' 'b')`:    "not closed",
		`$.a[?(` + strings.Repeat("(", 50) + `@)]`: "levels deep",
		`$[?(` + strings.Repeat("!", 50) + `@)]`:   "levels deep",
		`$[?(@ == ` + strings.Repeat("[", 50):      "levels deep",
		strings.Repeat("a", jsonpath.MaxLength+1):  "bytes long",
	} {
		t.Run(path[:min(len(path), 30)], func(t *testing.T) {
			t.Parallel()
			_, err := jsonpath.Compile(path)
			require.Error(t, err)
			require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err))
			require.Contains(t, err.Error(), want)
		})
	}
}

func TestFunctionsThatDoNotFit(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		`$.percent.length()`, `$.words.keys()`, `$.status.first()`, `$.empty.first()`, `$.numbers.index(9)`, `$.numbers.index()`,
		`$.numbers.index('a')`, `$.status.append(1)`, `$.words.sum()`,
	} {
		_, err := read(t, path)
		require.Equal(t, pipeline.CodeInvalid, pipeline.CodeOf(err), path)
	}
}

// A document made to be expensive ends with an error instead of the worker's
// time.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	list := make([]any, 2000)
	for i := range list {
		list[i] = map[string]any{"a": list[:min(i, 1)]}
	}
	deep := any(list)
	for range 100 {
		deep = []any{deep, deep}
	}
	for _, path := range []string{`$..a`, `$..[?(@.a)]`, `$..*`} {
		_, err := jsonpath.Read(deep, path)
		require.Equal(t, pipeline.CodeTooLarge, pipeline.CodeOf(err), path)
	}
	_, err := jsonpath.Read(map[string]any{"l": list}, `$.l[?($..a)]`)
	require.Equal(t, pipeline.CodeTooLarge, pipeline.CodeOf(err))
}

func TestDefinite(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		`$`: true, `$.a.b[0]['c']`: true, `$.a.length()`: true,
		`$.a[*]`: false, `$..a`: false, `$.a[0,1]`: false, `$['a','b']`: true, `$['a','b'].c`: false, `$.a[1:]`: false, `$.a[?(@.b)]`: false,
	} {
		p, err := jsonpath.Compile(path)
		require.NoError(t, err)
		require.Equal(t, want, p.Definite(), path)
		require.Equal(t, path, p.String())
	}
}

func FuzzRead(f *testing.F) {
	for _, path := range []string{`$.a`, `$..a[?(@.b == 'x' && !@.c)]`, `concat('a', $.b)`, `$['a'][0:1]`, `$.a[?(@ =~ /x/i)]`} {
		f.Add(path)
	}
	v, err := pipeline.DecodeValue([]byte(document))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, path string) {
		got, err := jsonpath.Read(v, path)
		if err != nil {
			require.Contains(t, []pipeline.Code{pipeline.CodeInvalid, pipeline.CodeNotFound, pipeline.CodeTooLarge}, pipeline.CodeOf(err))
			return
		}
		_, err = pipeline.EncodeValue(got)
		require.NoError(t, err)
	})
}
