// Calculates exactly: an expression comes, its value goes back as a whole number or a fraction. The parser and the arithmetic are those
// of Go's standard library, which has them for Go's own constants.
package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"math/big"

	"holdline/guest"
	"holdline/guest/handler"
)

const (
	// widest is the furthest shift: 1<<1000000000 would be a number that fills the memory.
	widest = 1 << 16
	// longest is how many bytes an expression may have: each parenthesis takes some of the stack.
	longest = 500
)

type exact struct{ handler.Defaults }

func init() { handler.Export(exact{}) }

func main() {}

// Message answers an expression, in which `ans` is the last value: it is kept in the attachment, for the next message may come to
// another instance.
func (exact) Message(request guest.Request, message guest.Message) error {
	text, ok := message.Text()
	if !ok {
		return request.Send("an expression is text")
	}
	value, err := calculate(text, string(request.Attachment()))
	if err != nil {
		return request.Send(err.Error())
	}
	err = request.SetAttachment([]byte(value))
	if errors.Is(err, guest.ErrTooLarge) {
		return request.Send("the value is too long to be kept")
	}
	if err != nil {
		return err
	}
	return request.Send(value)
}

// calculate gives the value as a text that is an expression again.
func calculate(text, last string) (string, error) {
	if len(text) > longest {
		return "", fmt.Errorf("an expression has at most %d bytes", longest)
	}
	tree, err := parser.ParseExpr(text)
	if err != nil {
		return "", err
	}
	value, err := evaluate(tree, last)
	if err != nil {
		return "", err
	}
	if _, rounded := constant.Val(value).(*big.Float); rounded {
		return "", errors.New("the value is too large to be exact")
	}
	return value.ExactString(), nil
}

func evaluate(tree ast.Expr, last string) (constant.Value, error) {
	switch tree := tree.(type) {
	case *ast.BasicLit:
		if tree.Kind == token.INT || tree.Kind == token.FLOAT {
			return constant.MakeFromLiteral(tree.Value, tree.Kind, 0), nil
		}
	case *ast.Ident:
		if tree.Name == "ans" && last != "" {
			kept, err := parser.ParseExpr(last)
			if err != nil {
				return nil, err
			}
			return evaluate(kept, "")
		}
		return nil, fmt.Errorf("there is no `%s`", tree.Name)
	case *ast.ParenExpr:
		return evaluate(tree.X, last)
	case *ast.UnaryExpr:
		if tree.Op == token.SUB {
			x, err := evaluate(tree.X, last)
			if err != nil {
				return nil, err
			}
			return constant.UnaryOp(token.SUB, x, 0), nil
		}
	case *ast.BinaryExpr:
		x, err := evaluate(tree.X, last)
		if err != nil {
			return nil, err
		}
		y, err := evaluate(tree.Y, last)
		if err != nil {
			return nil, err
		}
		return operate(x, tree.Op, y)
	}
	return nil, errors.New("this takes numbers, + - * / <<, parentheses, and `ans`")
}

func operate(x constant.Value, operator token.Token, y constant.Value) (constant.Value, error) {
	switch operator {
	case token.QUO:
		if constant.Sign(y) == 0 {
			return nil, errors.New("division by zero")
		}
		return constant.BinaryOp(x, operator, y), nil
	case token.ADD, token.SUB, token.MUL:
		return constant.BinaryOp(x, operator, y), nil
	case token.SHL:
		bits, whole := constant.Uint64Val(y)
		if !whole || bits > widest || x.Kind() != constant.Int {
			return nil, fmt.Errorf("only whole numbers can be shifted, by 0 to %d", widest)
		}
		return constant.Shift(x, operator, uint(bits)), nil
	default:
		return nil, fmt.Errorf("there is no operator %s", operator)
	}
}
