package checkpoint

// reduce executes REDUCE: it returns the result of calling g with args in PyTorch.
func (m *machine) reduce(g global, args []value) value {
	switch g {
	case orderedDict: // (), or (items) from Python 2
		m.charge(64)
		d := &dict{ordered: true}
		if len(args) == 0 || len(args) == 1 && m.addItems(d, args[0]) {
			return d
		}
	case counterClass: // () or (dict)
		if len(args) == 0 {
			m.charge(64)
			return &dict{}
		}
		if d, ok := args[0].(*dict); ok && len(args) == 1 {
			return d
		}
	case parameterClass: // (data), from PyTorch 0.2 and 0.3; build follows
		if len(args) == 1 {
			if t, ok := args[0].(*tensor); ok {
				m.charge(32)
				return &tensor{view: t.view, parameter: true, requiresGrad: true}
			}
		}
	case rebuildTensor: // (storage, offset, size, stride)
		if len(args) == 4 {
			return m.rebuild(args, false)
		}
	case rebuildTensorV2: // (storage, offset, size, stride, requires_grad, backward_hooks[, metadata])
		if len(args) == 6 || len(args) == 7 {
			requiresGrad, ok := args[4].(bool)
			m.noHooks(args[5])
			if len(args) == 7 && args[6] != (none{}) && !emptyDict(args[6]) {
				m.charge(32)
				return &other{what: "a conjugated or negated tensor", tensor: true}
			}
			if ok {
				return m.rebuild(args[:4], requiresGrad)
			}
		}
	case rebuildFromType: // (function, class, its arguments, attributes), for a tensor with attributes
		if len(args) == 4 {
			function, ok := args[0].(global)
			t, ok2 := args[2].(*tuple)
			if ok && ok2 && function != rebuildFromType {
				return m.reduce(function, t.items)
			}
		}
	case rebuildParameter, rebuildParameterWithState: // (data, requires_grad, backward_hooks[, attributes])
		if len(args) == 3 && g == rebuildParameter || len(args) == 4 && g == rebuildParameterWithState {
			t, ok := args[0].(*tensor)
			requiresGrad, ok2 := args[1].(bool)
			m.noHooks(args[2])
			if ok && ok2 {
				m.charge(32)
				return &tensor{view: t.view, parameter: true, requiresGrad: requiresGrad}
			}
		}
	case sizeClass: // (sizes)
		if len(args) == 1 {
			if sizes, ok := args[0].(*tuple); ok {
				return sizes
			}
		}
	}
	if what := otherValues[g]; what != "" {
		m.charge(32)
		return &other{what: what}
	}
	if what := otherTensors[g.name]; what != "" && g.module == "torch._utils" {
		m.charge(32)
		return &other{what: what, tensor: true}
	}
	m.fail("byte %d calls %v with arguments that no state dict has", m.op, g)
	return nil
}

// addItems adds items to d: a list of lists, each with a key and a value.
func (m *machine) addItems(d *dict, items value) bool {
	l, ok := items.(*list)
	if !ok {
		return false
	}
	for _, item := range l.items {
		pair, ok := item.(*list)
		if !ok || len(pair.items) != 2 {
			return false
		}
		m.add(d, pair.items[0], pair.items[1])
	}
	return true
}

// rebuild makes a tensor from (storage, offset, size, stride).
func (m *machine) rebuild(args []value, requiresGrad bool) *tensor {
	s, ok := args[0].(*storage)
	offset, ok2 := args[1].(int64)
	if !ok || !ok2 {
		m.fail("the tensor at byte %d has %s for a storage and %s for an offset", m.op, describe(args[0]), describe(args[1]))
	}
	m.charge(192)
	v, err := newView(s, offset, m.ints(args[2]), m.ints(args[3]))
	if err != nil {
		m.fail("the tensor at byte %d: %w", m.op, err)
	}
	return &tensor{view: v, requiresGrad: requiresGrad}
}

// ints returns the integers of a tuple: sizes or strides.
func (m *machine) ints(v value) []int64 {
	t, ok := v.(*tuple)
	if !ok {
		m.fail("the tensor at byte %d has %s for its sizes or strides", m.op, describe(v))
	}
	if len(t.items) > maxDims {
		m.fail("the tensor at byte %d has %d dimensions, PyTorch's most is %d", m.op, len(t.items), maxDims)
	}
	m.charge(8 * len(t.items))
	ns := make([]int64, len(t.items))
	for i, item := range t.items {
		if ns[i], ok = item.(int64); !ok {
			m.fail("the tensor at byte %d has %s among its sizes or strides", m.op, describe(item))
		}
	}
	return ns
}

// noHooks refuses backward hooks, which are functions.
func (m *machine) noHooks(v value) {
	if v != (none{}) && !emptyDict(v) {
		m.fail("the tensor at byte %d has backward hooks, which are code", m.op)
	}
}

func emptyDict(v value) bool {
	d, ok := v.(*dict)
	return ok && len(d.keys) == 0
}

// build executes BUILD: it sets the attributes of an object.
func (m *machine) build(v, state value) {
	switch v := v.(type) {
	case *dict:
		// Module.state_dict keeps the modules' versions in an attribute of the OrderedDict, _metadata.
		if _, ok := state.(*dict); ok && v.ordered {
			return
		}
	case *tensor:
		if t, ok := state.(*tuple); ok && v.parameter && m.setState(v, t.items) {
			return
		}
	}
	m.fail("byte %d sets attributes of %s that no state dict has", m.op, describe(v))
}

// setState does what Tensor.__setstate__ did in PyTorch 0.2 and 0.3: the state is (requires_grad, volatile,
// backward_hooks).
func (m *machine) setState(p *tensor, state []value) bool {
	if len(state) != 3 {
		return false
	}
	requiresGrad, ok := state[0].(bool)
	m.noHooks(state[2])
	p.requiresGrad = requiresGrad
	return ok
}

// persistentID executes BINPERSID: it pushes a storage, whose data lies outside the pickle.
func (m *machine) persistentID() {
	id := m.pop()
	if m.persistent == nil {
		m.fail("byte %d refers to a value outside the pickle, where none belongs", m.op)
	}
	if t, ok := id.(*tuple); ok && len(t.items) > 0 && t.items[0] == "module" {
		m.fail("byte %d holds a module: this is a whole pickled model, whose code PyTorch would run; "+
			"load it in Python where that code is and save its weights with torch.save(model.state_dict(), FILE)", m.op)
	}
	m.charge(96)
	v, err := m.persistent(id)
	if err != nil {
		m.fail("byte %d: %w", m.op, err)
	}
	m.push(v)
}
